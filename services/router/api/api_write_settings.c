/* Answers about tags and expiry. */
#include "router/api/api_write_private.h"

void api_write_tags_begin(struct tc_buf *out) {
    tc_buf_append_u8(out, '{');
    api__member(out, "Tags");
    tc_buf_append_u8(out, '[');
}

void api_write_tag(struct tc_buf *out, struct tc_slice key, struct tc_slice value) {
    api__comma(out);
    tc_buf_append_u8(out, '{');
    api__member_string(out, "Key", key);
    api__member_string(out, "Value", value);
    tc_buf_append_u8(out, '}');
}

void api_write_tags_end(struct tc_buf *out) {
    tc_buf_append_str(out, "]}");
}

void api_write_ttl(struct tc_buf *out, bool enabled, struct tc_slice attribute) {
    tc_buf_append_u8(out, '{');
    api__member(out, "TimeToLiveSpecification");
    tc_buf_append_u8(out, '{');
    api__member(out, "Enabled");
    json_put_bool(out, enabled);
    api__member_string(out, "AttributeName", attribute);
    tc_buf_append_str(out, "}}");
}

void api_write_ttl_description(struct tc_buf *out, enum api_ttl_status status,
                               struct tc_slice attribute) {
    static const char *const names[] = {"DISABLED", "ENABLING", "ENABLED", "DISABLING"};
    tc_buf_append_u8(out, '{');
    api__member(out, "TimeToLiveDescription");
    tc_buf_append_u8(out, '{');
    api__member_string(out, "TimeToLiveStatus", tc_slice_str(names[status]));
    if (attribute.len)
        api__member_string(out, "AttributeName", attribute);
    tc_buf_append_str(out, "}}");
}
