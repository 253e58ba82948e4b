/* shell_credentials: the access keys of --credentials or --credentials-file. */
#ifndef TC_SERVICES_ROUTER_SHELL_CREDENTIALS_H
#define TC_SERVICES_ROUTER_SHELL_CREDENTIALS_H

#include "router/api/api.h"

struct credentials {
    struct tc_buf text;
    struct api_credential list[API_CREDENTIALS_MAX];
    size_t count;
};

/* file: "" to parse text instead. Errors: TC_ENOTFOUND (file), TC_EINVAL (a line is not ID:SECRET),
 * TC_EAUTH (others may read the file). */
TC_MUST_USE tc_err credentials_load(struct credentials *c, const char *text, const char *file);
void credentials_deinit(struct credentials *c);

#endif
