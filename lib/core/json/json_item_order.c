/* Containers are read entry by entry in the client's order; their counts and their canonical order
 * are known at the end only. */
#include "base/assert.h"
#include "core/json/json_item_private.h"

void json_item_deinit(struct json_item *j) {
    tc_buf_deinit(&j->spans);
    tc_buf_deinit(&j->copy);
    tc_buf_deinit(&j->sorted);
    *j = (struct json_item){0};
}

struct json_open json__open(struct json_item *j, bool is_item) {
    const struct json_open open = {
        .head_at = j->out->len, .spans_at = j->spans.len, .ordered = true, .is_item = is_item};
    (void)tc_buf_extend(j->out, JSON_HEAD_BYTES);
    return open;
}

static struct json_span *spans_of(const struct json_item *j, const struct json_open *open) {
    TC_ASSERT(open->spans_at <= j->spans.len);
    return (struct json_span *)(void *)(j->spans.data + open->spans_at);
}

static struct tc_slice key_of(const struct json_item *j, const struct json_span *s) {
    TC_ASSERT(s->key_at + s->key_len <= j->out->len);
    return tc_slice(j->out->data + s->key_at, s->key_len);
}

void json__entry(struct json_item *j, struct json_open *open, struct json_span span) {
    span.end = j->out->len;
    TC_ASSERT(span.at < span.end && span.key_at >= span.at);
    if (open->count > 0) {
        const struct json_span *before = spans_of(j, open) + open->count - 1;
        open->ordered = open->ordered && tc_slice_cmp(key_of(j, before), key_of(j, &span)) < 0;
    }
    tc_buf_append(&j->spans, &span, sizeof span);
    open->count++;
}

/* Views of the entries, sorted by key. */
static struct item_attr *sorted_entries(struct json_item *j, const struct json_open *open) {
    const struct json_span *s = spans_of(j, open);
    tc_buf_clear(&j->sorted);
    struct item_attr *attrs =
        (struct item_attr *)(void *)tc_buf_extend(&j->sorted, open->count * sizeof *attrs);
    for (uint64_t i = 0; i < open->count; i++) {
        attrs[i].name = key_of(j, &s[i]);
        attrs[i].value = tc_slice(j->out->data + s[i].at, s[i].end - s[i].at);
    }
    item_sort_attrs(attrs, open->count);
    return attrs;
}

/* Leave the entries in order in j->copy. */
static tc_err order_entries(struct json_item *j, const struct json_open *open) {
    const struct item_attr *attrs = sorted_entries(j, open);
    tc_buf_clear(&j->copy);
    uint8_t *to = tc_buf_extend(&j->copy, j->out->len - open->head_at - JSON_HEAD_BYTES);
    for (uint64_t i = 0; i < open->count; i++) {
        if (i > 0 && tc_slice_eq(attrs[i - 1].name, attrs[i].name))
            return TC_EEXISTS;
        memcpy(to, attrs[i].value.data, attrs[i].value.len);
        to += attrs[i].value.len;
    }
    TC_ASSERT(to == j->copy.data + j->copy.len);
    return TC_OK;
}

static size_t put_varint(uint8_t *to, uint64_t v) {
    size_t len = 0;
    for (; v >= 0x80; v >>= 7)
        to[len++] = (uint8_t)(v | 0x80);
    to[len++] = (uint8_t)v;
    return len;
}

tc_err json__close(struct json_item *j, struct json_open *open) {
    if (!open->ordered)
        TC_TRY(order_entries(j, open));
    struct tc_buf *out = j->out;
    const size_t entries_at = open->head_at + JSON_HEAD_BYTES;
    const size_t entries_len = out->len - entries_at;
    uint8_t count[10];
    uint8_t head[20];
    const size_t count_len = put_varint(count, open->count);
    size_t head_len = open->is_item ? 0 : put_varint(head, count_len + entries_len);
    memcpy(head + head_len, count, count_len);
    head_len += count_len;
    TC_ASSERT(head_len <= JSON_HEAD_BYTES);
    uint8_t *to = out->data + open->head_at;
    if (open->ordered)
        memmove(to + head_len, out->data + entries_at, entries_len);
    else if (entries_len > 0)
        memcpy(to + head_len, j->copy.data, entries_len);
    memcpy(to, head, head_len);
    out->len = open->head_at + head_len + entries_len;
    j->spans.len = open->spans_at;
    return TC_OK;
}
