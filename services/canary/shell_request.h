/* shell_request: one signed API request of a probe, over libcurl, without retries. */
#ifndef TC_SERVICES_CANARY_SHELL_REQUEST_H
#define TC_SERVICES_CANARY_SHELL_REQUEST_H

#include "shell_probe.h"

enum {
    REQUEST_ANSWER_BYTES_MAX = 1 << 20,
};

struct request_result {
    const char *operation; /* "GetItem" */
    char outcome[64]; /* "": fine; the API's exception, "timeout", "unreachable", "http", ... */
    char text[PROBE_TEXT_BYTES_MAX]; /* the error's own words, without quotes */
    long http_status;
    uint64_t took_ns;
};

TC_MUST_USE tc_err request_open(struct probe *p);
void request_close(struct probe *p);
/* Send p->body; the answer's body is in p->answer. operation is a literal. */
struct request_result request_send(struct probe *p, const char *operation);
/* Item.n.N of a GetItem's answer in p->answer; 0 without an item. TC_EINVAL: it is no such thing.
 */
TC_MUST_USE tc_err request_counter(struct probe *p, uint64_t *ret_value);

#endif
