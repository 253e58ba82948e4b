/* What options.c (where values come from), value.c (what a value means) and help.c share. */
#ifndef TC_DAEMON_OPTIONS_PRIVATE_H
#define TC_DAEMON_OPTIONS_PRIVATE_H

#include "daemon/options.h"

/* A row and the struct that its field is in; row NULL: not found. */
struct daemon__found {
    const struct daemon_option *row;
    void *values;
};

struct daemon__found daemon__option_find(const struct daemon_options *o, const char *name,
                                         size_t len);
/* Check and store; why says what is accepted ("must be ..."). The field is untouched on failure. */
TC_MUST_USE tc_err daemon__option_set(struct daemon_options *o, struct daemon__found f,
                                      const char *text, char *why, size_t why_bytes);
/* Store zero, "", no addresses. */
void daemon__option_clear(struct daemon__found f);
const char **daemon__field_string(struct daemon__found f);
/* "--rpc-listen" */
void daemon__option_flag(const struct daemon_option *row, struct tc_buf *ret_text);

#endif
