/* Values in messages as the service shows them: KeySchemaElement(attributeName=pk, keyType=HASH).
 */
#include "router/api/api_decode_private.h"

enum {
    SHOWN_MEMBERS_MAX = 8,
};

/* Lists whose elements are shown member by member, and what an element is called. */
static const struct {
    const char *member, *element;
} shown_lists[] = {
    {"KeySchema", "KeySchemaElement"},
};

static const char *element_name(const char *member) {
    for (size_t i = 0; i < sizeof shown_lists / sizeof shown_lists[0]; i++)
        if (strcmp(shown_lists[i].member, member) == 0)
            return shown_lists[i].element;
    return NULL;
}

static void append_member(struct tc_buf *out, const char *name, struct tc_slice value) {
    uint8_t first = (uint8_t)name[0];
    tc_buf_append_u8(out, first >= 'A' && first <= 'Z' ? (uint8_t)(first + 32) : first);
    tc_buf_append_str(out, name + 1);
    tc_buf_append_u8(out, '=');
    tc_buf_append_slice(out, value);
}

/* The members that are texts, in the order of the shape. */
static tc_err show_element(struct json_reader *r, const struct api_shape *shape, const char *name,
                           struct tc_buf *out) {
    struct tc_slice values[SHOWN_MEMBERS_MAX] = {0}, key;
    bool more;
    TC_TRY(json_object_begin(r));
    for (;;) {
        TC_TRY(json_object_next(r, &more, &key));
        if (!more)
            break;
        size_t i = 0;
        while (i < shape->count && !tc_slice_eq(tc_slice_str(shape->fields[i].name), key))
            i++;
        if (i < shape->count && i < SHOWN_MEMBERS_MAX && json_peek(r) == JSON_STRING)
            TC_TRY(json_string(r, &values[i]));
        else
            TC_TRY(json_skip(r));
    }
    const char *between = "";
    tc_buf_printf(out, "%s(", name);
    for (size_t i = 0; i < shape->count && i < SHOWN_MEMBERS_MAX; i++)
        if (values[i].data != NULL) {
            tc_buf_append_str(out, between);
            append_member(out, shape->fields[i].name, values[i]);
            between = ", ";
        }
    tc_buf_append_u8(out, ')');
    return TC_OK;
}

bool api__show_list(const struct api_field *f, struct json_reader reader, struct tc_buf *out) {
    const char *name = element_name(f->name);
    bool more;
    if (name == NULL || f->shape == NULL || json_array_begin(&reader) != TC_OK)
        return false;
    tc_buf_append_u8(out, '[');
    for (size_t i = 0; json_array_next(&reader, &more) == TC_OK && more; i++) {
        if (i)
            tc_buf_append_str(out, ", ");
        if (out->len > API_VALUE_TEXT_BYTES_MAX || show_element(&reader, f->shape, name, out))
            return false;
    }
    tc_buf_append_u8(out, ']');
    return true;
}
