#include "router/api/api_error.h"

#include "base/assert.h"
#include "core/json/json.h"

#define SPACE_DDB          "com.amazonaws.dynamodb.v20120810"
#define SPACE_VALIDATE     "com.amazon.coral.validate"
#define SPACE_SERVICE      "com.amazon.coral.service"
#define SPACE_AVAILABILITY "com.amazon.coral.availability"

static const struct {
    const char *type;
    const char *name;
    const char *member;
    unsigned status;
} errors[API_ERROR_COUNT] = {
#define X(constant, space, text, code, message)                                                    \
    [constant] = {SPACE_##space "#" text, text, message, code},
    API_ERRORS(X)
#undef X
};

const char *api_error_name(enum api_error error) {
    TC_ASSERT(error > API_OK && error < API_ERROR_COUNT);
    return errors[error].name;
}

unsigned api_error_status(enum api_error error) {
    TC_ASSERT(error > API_OK && error < API_ERROR_COUNT);
    return errors[error].status;
}

struct tc_slice api_error_clip(struct tc_slice text) {
    size_t lead = text.len;
    while (lead > 0 && text.len - lead < 3 && (text.data[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (lead == 0 || text.data[lead - 1] < 0xc0)
        return text;
    uint8_t first = text.data[lead - 1];
    size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (text.len - lead + 1 < wanted)
        text.len = lead - 1;
    return text;
}

void api_error_write(struct tc_buf *out, enum api_error error, struct tc_slice text,
                     struct tc_slice more_members) {
    TC_ASSERT(error > API_OK && error < API_ERROR_COUNT);
    tc_buf_append_str(out, "{\"__type\":\"");
    tc_buf_append_str(out, errors[error].type);
    tc_buf_append_u8(out, '"');
    if (text.len > 0) {
        tc_buf_append_str(out, ",\"");
        tc_buf_append_str(out, errors[error].member);
        tc_buf_append_str(out, "\":");
        json_put_string(out, text);
    }
    tc_buf_append_slice(out, more_members);
    tc_buf_append_u8(out, '}');
}
