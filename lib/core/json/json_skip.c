/* Values that nobody wants, or that are read later. */
#include "base/assert.h"
#include "core/json/json.h"
#include "core/json/json_private.h"

/* Recursion is bounded by depth_max <= JSON_DEPTH_MAX. */
static tc_err skip_object(struct json_reader *r) {
    TC_TRY(json_object_begin(r));
    for (;;) {
        bool more = false;
        TC_TRY(json__object_next_skip(r, &more));
        if (!more)
            return TC_OK;
        TC_TRY(json_skip(r));
    }
}

static tc_err skip_array(struct json_reader *r) {
    TC_TRY(json_array_begin(r));
    for (;;) {
        bool more = false;
        TC_TRY(json_array_next(r, &more));
        if (!more)
            return TC_OK;
        TC_TRY(json_skip(r));
    }
}

tc_err json_skip(struct json_reader *r) {
    struct tc_slice text;
    bool value;
    switch (json_peek(r)) {
    case JSON_OBJECT:
        return skip_object(r);
    case JSON_ARRAY:
        return skip_array(r);
    case JSON_STRING:
        return json__string_skip(r);
    case JSON_NUMBER:
        return json_number(r, &text);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_bool(r, &value);
    case JSON_NULL:
        return json_null(r);
    case JSON_END:
        break;
    }
    return json__fail(r, TC_EINVAL, r->at);
}

tc_err json_raw(struct json_reader *r, struct tc_slice *ret_text) {
    (void)json_peek(r);
    const uint8_t *const start = r->at;
    TC_TRY(json_skip(r));
    TC_ASSERT(r->at > start);
    *ret_text = tc_slice(start, (size_t)(r->at - start));
    return TC_OK;
}
