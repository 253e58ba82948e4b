/* How the decoder says what is wrong with a request: the one fault that is answered, and its words.
 *
 * A fault ends the request, so there is only ever one; what is merely noted while the body is read
 * (constraints, missing members) is weighed at the end (api_decode.c). */
#include "base/assert.h"
#include "router/api/api_decode_private.h"

#include <stdarg.h>
#include <stdio.h>

void api__fail(struct api_decoder *d, enum api_error error, struct tc_slice text) {
    TC_ASSERT(d->error == API_OK);
    d->error = error;
    tc_buf_clear(&d->text);
    tc_buf_append_slice(&d->text, text);
}

bool api_invalid(struct api_decoder *d, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    api__fail(d, API_VALIDATION, api_error_clip(tc_slice_str(text)));
    return false;
}

bool api_refuse(struct api_decoder *d, enum api_error error, const char *text) {
    api__fail(d, error, tc_slice_str(text));
    return false;
}

tc_err api__serialization(struct api_decoder *d, const char *text) {
    api__fail(d, API_SERIALIZATION, tc_slice_str(text));
    return TC_EINVAL;
}

/* Does a whole value stand here, or only something that begins like one? */
static bool is_value(const struct api_decoder *d) {
    struct json_reader look = d->reader;
    return json_skip(&look) == TC_OK;
}

tc_err api__json_fail(struct api_decoder *d, tc_err err, const char *wanted) {
    TC_ASSERT(err != TC_OK);
    if (d->error != API_OK)
        return err;
    if (err == TC_ETYPE && is_value(d)) {
        json_diag_type(&d->diag, wanted, &d->reader);
        api__fail(d, API_SERIALIZATION, tc_slice_str(d->diag.text));
    } else if (err == TC_ENOMEM) {
        api__fail(d, API_REQUEST_ENTITY_TOO_LARGE,
                  TC_SLICE_LIT("Request size exceeded the memory limit"));
    } else {
        api__fail(d, API_SERIALIZATION, TC_SLICE_EMPTY); /* not JSON: told without words */
    }
    return err;
}

tc_err api__map_fail(struct api_decoder *d, tc_err err, const char *element) {
    if (err != TC_ETYPE || d->error != API_OK || !is_value(d))
        return api__json_fail(d, err, "");
    json_diag_map(&d->diag, element, &d->reader);
    api__fail(d, API_SERIALIZATION, tc_slice_str(d->diag.text));
    return err;
}

tc_err api__struct_fail(struct api_decoder *d, tc_err err, const struct api_shape *shape) {
    if (err != TC_ETYPE || d->error != API_OK || !is_value(d))
        return api__json_fail(d, err, "");
    bool inner = d->path_depth > 0;
    json_diag_struct(&d->diag, inner ? shape->name : NULL,
                     inner && d->path[d->path_depth - 1].name != NULL, &d->reader);
    api__fail(d, API_SERIALIZATION, tc_slice_str(d->diag.text));
    return err;
}
