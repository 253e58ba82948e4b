#include "base/assert.h"
#include "router/api/api_decode_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct api_path_step *push(struct api_decoder *d) {
    TC_ASSERT(d->path_depth < API_PATH_DEPTH_MAX);
    struct api_path_step *step = &d->path[d->path_depth++];
    *step = (struct api_path_step){0};
    return step;
}

void api__push_name(struct api_decoder *d, const char *name) {
    push(d)->name = name;
}

void api__push_key(struct api_decoder *d, struct tc_slice key) {
    push(d)->key = key;
}

void api__push_index(struct api_decoder *d, size_t index) {
    TC_ASSERT(index > 0);
    push(d)->index = index;
}

void api__pop(struct api_decoder *d) {
    TC_ASSERT(d->path_depth > 0);
    d->path_depth--;
}

/* The model's notation: requestItems.table.member.keys.1.member */
static void append_path(const struct api_decoder *d, struct tc_buf *out) {
    for (unsigned i = 0; i < d->path_depth; i++) {
        const struct api_path_step *step = &d->path[i];
        if (i)
            tc_buf_append_u8(out, '.');
        if (step->name != NULL) {
            char first = step->name[0];
            tc_buf_append_u8(out, (uint8_t)(first >= 'A' && first <= 'Z' ? first + 32 : first));
            tc_buf_append_str(out, step->name + 1);
        } else if (step->index != 0) {
            tc_buf_printf(out, "%zu.member", step->index);
        } else {
            tc_buf_append_slice(out, step->key);
            tc_buf_append_str(out, ".member");
        }
    }
}

/* Cut at a character, so that the message stays valid UTF-8. */
static struct tc_slice clip(struct tc_slice s) {
    if (s.len <= API_VALUE_TEXT_BYTES_MAX)
        return s;
    s.len = API_VALUE_TEXT_BYTES_MAX;
    while (s.len > 0 && (s.data[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

static bool begin_violation(struct api_decoder *d) {
    if (d->constraint_count == API_CONSTRAINTS_MAX)
        return false;
    if (d->constraint_count++)
        tc_buf_append_str(&d->constraints, "; ");
    tc_buf_append_str(&d->constraints, "Value ");
    return true;
}

void api__violate(struct api_decoder *d, struct tc_slice value, const char *fmt, ...) {
    char rule[512];
    va_list args;
    if (!begin_violation(d))
        return;
    va_start(args, fmt);
    (void)vsnprintf(rule, sizeof rule, fmt, args);
    va_end(args);
    tc_buf_append_u8(&d->constraints, '\'');
    tc_buf_append_slice(&d->constraints, clip(value));
    tc_buf_append_str(&d->constraints, "' at '");
    append_path(d, &d->constraints);
    tc_buf_append_str(&d->constraints, "' failed to satisfy constraint: Member must ");
    tc_buf_append_str(&d->constraints, rule);
}

void api__violate_missing(struct api_decoder *d) {
    if (!begin_violation(d))
        return;
    tc_buf_append_str(&d->constraints, "null at '");
    append_path(d, &d->constraints);
    tc_buf_append_str(&d->constraints, "' failed to satisfy constraint: Member must not be null");
}

static bool matches_name_pattern(struct tc_slice s) {
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return s.len > 0;
}

void api__check_string(struct api_decoder *d, const struct api_field *f, struct tc_slice s) {
    if ((f->flags & API_NAME_PATTERN) && !matches_name_pattern(s))
        api__violate(d, s, "satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    if (f->min > 0 && s.len < (size_t)f->min)
        api__violate(d, s, "have length greater than or equal to %" PRId64, f->min);
    if (f->max > 0 && s.len > (size_t)f->max)
        api__violate(d, s, "have length less than or equal to %" PRId64, f->max);
}

void api__check_integer(struct api_decoder *d, const struct api_field *f, int64_t value) {
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    struct tc_slice s = tc_slice(text, (size_t)len);
    if (f->max == 0)
        return;
    if (value < f->min)
        api__violate(d, s, "have value greater than or equal to %" PRId64, f->min);
    if (value > f->max)
        api__violate(d, s, "have value less than or equal to %" PRId64, f->max);
}

void api__check_count(struct api_decoder *d, const struct api_field *f, size_t count) {
    struct tc_slice empty =
        f->kind == API_KIND_STRUCT_MAP ? TC_SLICE_LIT("{}") : TC_SLICE_LIT("[]");
    struct tc_slice shown = count ? TC_SLICE_LIT("[...]") : empty;
    if (f->min > 0 && count < (size_t)f->min)
        api__violate(d, shown, "have length greater than or equal to %" PRId64, f->min);
    if (f->max > 0 && count > (size_t)f->max)
        api__violate(d, shown, "have length less than or equal to %" PRId64, f->max);
}

unsigned api__check_enum(struct api_decoder *d, const struct api_field *f, struct tc_slice s) {
    unsigned index = 1;
    const char *at = f->enum_names;
    TC_ASSERT(at != NULL);
    for (;;) {
        size_t len = strcspn(at, ",");
        if (s.len == len && memcmp(s.data, at, len) == 0)
            return index;
        if (at[len] == 0)
            break;
        at += len + 2; /* ", " */
        index++;
    }
    api__violate(d, s, "satisfy enum value set: [%s]", f->enum_names);
    return 0;
}

void api__check_attribute(struct api_decoder *d, struct tc_slice name) {
    if (name.len == 0)
        api__violate(d, name, "have length greater than or equal to 1");
    if (name.len > ITEM_NAME_BYTES_MAX)
        api__violate(d, name, "have length less than or equal to %d", ITEM_NAME_BYTES_MAX);
}

static int key_order(const void *a, const void *b) {
    const struct tc_slice *x = a, *y = b;
    return tc_slice_cmp(*x, *y);
}

tc_err api__check_unique(struct api_decoder *d, const struct api_list *list, size_t struct_bytes) {
    if (list->count < 2)
        return TC_OK;
    struct tc_slice *keys = tc_arena_calloc(d->arena, list->count, sizeof *keys);
    if (keys == NULL)
        return api__json_fail(d, TC_ENOMEM, "");
    const uint8_t *at = list->items;
    for (size_t i = 0; i < list->count; i++)
        keys[i] = *(const struct tc_slice *)(const void *)(at + i * struct_bytes);
    qsort(keys, list->count, sizeof *keys, key_order);
    for (size_t i = 1; i < list->count; i++)
        if (tc_slice_eq(keys[i - 1], keys[i]))
            return api__serialization(d, "Duplicate attribute name in a map");
    return TC_OK;
}
