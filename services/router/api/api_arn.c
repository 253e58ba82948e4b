#include "router/api/api_arn.h"

#include "router/api/api_types.h"

/* Cut off the text up to the next colon. */
static bool next_part(struct tc_slice *rest, struct tc_slice *ret_part) {
    const uint8_t *colon = rest->len ? memchr(rest->data, ':', rest->len) : NULL;
    if (colon == NULL)
        return false;
    *ret_part = tc_slice(rest->data, (size_t)(colon - rest->data));
    *rest = tc_slice_from(*rest, ret_part->len + 1);
    return true;
}

static bool is_name(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return s.len >= API_NAME_BYTES_MIN && s.len <= API_NAME_BYTES_MAX;
}

/* arn:partition:service:region:account:resource */
struct arn {
    struct tc_slice service, account, resource;
};

static bool cut(struct tc_slice text, struct arn *ret_arn) {
    struct tc_slice parts[5] = {0}, rest = text;
    for (size_t i = 0; i < 5; i++)
        if (!next_part(&rest, &parts[i]))
            return false;
    *ret_arn = (struct arn){parts[2], parts[4], rest};
    return tc_slice_eq(parts[0], TC_SLICE_LIT("arn")) && parts[1].len > 0;
}

bool api_arn_table(struct tc_slice arn, struct tc_slice *ret_name) {
    const struct tc_slice table = TC_SLICE_LIT("table/");
    struct arn a;
    if (!cut(arn, &a) || !tc_slice_eq(a.service, TC_SLICE_LIT("dynamodb")) ||
        !tc_slice_has_prefix(a.resource, table))
        return false;
    *ret_name = tc_slice_from(a.resource, table.len);
    return is_name(*ret_name);
}

bool api_arn_foreign(struct tc_slice arn) {
    struct arn a;
    return cut(arn, &a) && (!tc_slice_eq(a.service, TC_SLICE_LIT("dynamodb")) ||
                            !tc_slice_eq(a.account, TC_SLICE_LIT(API_ACCOUNT_ID)));
}
