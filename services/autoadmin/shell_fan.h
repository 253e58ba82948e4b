/* shell_fan: one unary call to several storage nodes at once; the slowest answer, not their sum, is
 * what it costs. Blocks; one thread. */
#ifndef TC_SERVICES_AUTOADMIN_SHELL_FAN_H
#define TC_SERVICES_AUTOADMIN_SHELL_FAN_H

#include "catalog/catalog.h"

struct shell_fan_answer {
    tc_err err;
    struct tc_buf payload; /* the caller frees it */
};

/* Asks catalog->addrs[i] if to is NULL or to[i]; fills ret_answers[i] (the others stay as they
 * are).
 */
void shell_fan(const struct catalog *c, const bool *to, const char *method, struct tc_slice payload,
               uint32_t deadline_ms, struct shell_fan_answer *ret_answers);

#endif
