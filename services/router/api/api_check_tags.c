/* Rules of tags. All of them are looked at before anything is changed. */
#include "base/utf8.h"
#include "router/api/api_arn.h"
#include "router/api/api_decode.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <wctype.h>

static locale_t unicode;

static void open_unicode(void) {
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Spaces of Unicode that the C library does not count among them, since no line breaks there. */
static bool is_space(uint32_t c) {
    return c == 0xa0 || c == 0x2007 || c == 0x202f || iswspace_l((wint_t)c, unicode);
}

/* Letters, digits and spaces of any script, and + - = . _ : / @. */
static bool is_allowed(uint32_t c) {
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != 0 && strchr(" +-=._:/@", (int)c) != NULL);
    return unicode != (locale_t)0 && (iswalnum_l((wint_t)c, unicode) || is_space(c));
}

static uint32_t decode(const uint8_t *at, size_t bytes) {
    if (bytes == 1)
        return at[0];
    uint32_t c = at[0] & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; i++)
        c = c << 6 | (at[i] & 0x3fu);
    return c;
}

static bool is_text(struct tc_slice s, size_t chars_min, size_t chars_max) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    size_t chars = 0;
    pthread_once(&once, open_unicode);
    for (size_t at = 0, bytes; at < s.len; at += bytes, chars++) {
        bytes = tc_utf8_char(s.data + at, s.data + s.len);
        if (bytes == 0 || chars == chars_max || !is_allowed(decode(s.data + at, bytes)))
            return false;
    }
    return s.data != NULL && chars >= chars_min;
}

static bool is_reserved(struct tc_slice key) {
    return key.len >= 4 && (key.data[0] | 32) == 'a' && (key.data[1] | 32) == 'w' &&
           (key.data[2] | 32) == 's' && key.data[3] == ':';
}

static struct tc_slice shown(struct tc_slice s) {
    if (s.data == NULL)
        return TC_SLICE_LIT("null");
    return s.len > API_VALUE_TEXT_BYTES_MAX
               ? api_error_clip(tc_slice(s.data, API_VALUE_TEXT_BYTES_MAX))
               : s;
}

static bool check_key(struct api_decoder *d, struct tc_slice key) {
    if (!is_text(key, 1, API_TAG_KEY_CHARS_MAX))
        return api_invalid(d, "The Tag Key provided is invalid, Key: %.*s",
                           TC_SLICE_ARGS(shown(key)));
    if (is_reserved(key))
        return api_invalid(d, "Tag Key cannot be prefixed with aws:, Key: %.*s",
                           TC_SLICE_ARGS(shown(key)));
    return true;
}

static bool check_number(struct api_decoder *d, size_t count) {
    if (count > API_TAGS_MAX)
        return api_invalid(d, "Number of Tags exceed the current limit for the provided "
                              "ResourceArn");
    return true;
}

bool api_check_tags(struct api_decoder *d, const struct api_list *tags) {
    const struct api_tag *t = tags->items;
    if (!check_number(d, tags->count))
        return false;
    for (size_t i = 0; i < tags->count; i++) {
        if (!check_key(d, t[i].key))
            return false;
        if (!is_text(t[i].value, 0, API_TAG_VALUE_CHARS_MAX))
            return api_invalid(d, "The Tag Value provided is invalid, Value: %.*s",
                               TC_SLICE_ARGS(shown(t[i].value)));
        for (size_t k = 0; k < i; k++)
            if (tc_slice_eq(t[k].key, t[i].key))
                return api_invalid(
                    d, "Duplicate Tag Keys provided as input: Duplicate Tag Key found %.*s",
                    TC_SLICE_ARGS(t[i].key));
    }
    return true;
}

/* What is not Tercet's nobody may ask for here; whether it exists is not told. */
static bool deny(struct api_decoder *d, const char *op, struct tc_slice arn) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "User is not authorized to perform: dynamodb:%s on resource: %.*s", op,
                   TC_SLICE_ARGS(shown(arn)));
    return api_refuse(d, API_ACCESS_DENIED, text);
}

static bool check_arn(struct api_decoder *d, const char *op, struct tc_slice arn) {
    struct tc_slice name;
    if (arn.data == NULL)
        return api_invalid(d, "Invalid TableArn");
    if (api_arn_foreign(arn))
        return deny(d, op, arn);
    if (!api_arn_table(arn, &name))
        return api_invalid(d, "Invalid TableArn: Invalid ResourceArn provided as input %.*s",
                           TC_SLICE_ARGS(shown(arn)));
    return true;
}

bool api_check_tag_resource(struct api_decoder *d, const void *input) {
    const struct api_tag_resource *in = input;
    if (!check_arn(d, "TagResource", in->arn))
        return false;
    if (in->tags.count == 0)
        return api_invalid(d, "Atleast one Tag needs to be provided as Input.");
    return api_check_tags(d, &in->tags);
}

bool api_check_untag_resource(struct api_decoder *d, const void *input) {
    const struct api_untag_resource *in = input;
    if (!check_arn(d, "UntagResource", in->arn))
        return false;
    if (in->keys.count == 0)
        return api_invalid(d, "Atleast one Tag Key needs to be provided as Input.");
    for (size_t i = 0; i < in->keys.count; i++)
        if (!check_key(d, in->keys.items[i]))
            return false;
    return check_number(d, in->keys.count);
}

/* All tags of a table fit into one answer: no token was ever given out. */
bool api_check_list_tags(struct api_decoder *d, const void *input) {
    const struct api_list_tags *in = input;
    if (in->next_token.data != NULL)
        return api_invalid(d, "Invalid NextToken");
    return check_arn(d, "ListTagsOfResource", in->arn);
}
