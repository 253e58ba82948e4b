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

/* The model's notation: requestItems.table.member.keys.1.member; plainly: RequestItems. */
static void append_path(const struct api_decoder *d, bool plainly, struct tc_buf *out) {
    for (unsigned i = 0; i < d->path_depth; i++) {
        const struct api_path_step *step = &d->path[i];
        if (i)
            tc_buf_append_u8(out, '.');
        if (step->name != NULL) {
            char first = step->name[0];
            bool lower = !plainly && first >= 'A' && first <= 'Z';
            tc_buf_append_u8(out, (uint8_t)(lower ? first + 32 : first));
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

/* From the path on. */
static void finish_violation(struct api_decoder *d, bool plainly, const char *rule) {
    append_path(d, plainly, &d->constraints);
    tc_buf_append_str(&d->constraints, "' failed to satisfy constraint: ");
    tc_buf_append_str(&d->constraints, rule);
}

static void violate(struct api_decoder *d, struct tc_slice value, const char *rule) {
    if (!begin_violation(d))
        return;
    tc_buf_append_u8(&d->constraints, '\'');
    tc_buf_append_slice(&d->constraints, clip(value));
    tc_buf_append_str(&d->constraints, "' at '");
    finish_violation(d, /* plainly= */ false, rule);
}

void api__violate(struct api_decoder *d, struct tc_slice value, const char *fmt, ...) {
    char rule[512] = "Member must ";
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(rule + strlen(rule), sizeof rule - strlen(rule), fmt, args);
    va_end(args);
    violate(d, value, rule);
}

void api__violate_missing(struct api_decoder *d) {
    if (!begin_violation(d))
        return;
    tc_buf_append_str(&d->constraints, "null at '");
    finish_violation(d, /* plainly= */ false, "Member must not be null");
}

/* A value or a count that is below its minimum or above its maximum. */
static void check_bounds(struct api_decoder *d, const struct api_field *f, struct tc_slice shown,
                         const char *what, bool below, bool above) {
    char rule[128];
    if (!below && !above)
        return;
    (void)snprintf(rule, sizeof rule, "Member must have %s %s than or equal to %" PRId64, what,
                   below ? "greater" : "less", below ? f->min : f->max);
    if (!(f->flags & API_TOLD_PLAINLY)) {
        violate(d, shown, rule);
    } else if (begin_violation(d)) {
        tc_buf_append_str(&d->constraints, "at '");
        finish_violation(d, /* plainly= */ true, rule);
    }
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
    /* The name of a table is only looked at if there is one. */
    bool looked_at = f->kind != API_KIND_TABLE || s.len > 0;
    if ((f->flags & API_NAME_PATTERN) && looked_at && !matches_name_pattern(s))
        api__violate(d, s, "satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
    if (f->min > 0 && s.len < (size_t)f->min)
        api__violate(d, s, "have length greater than or equal to %" PRId64, f->min);
    if (f->max > 0 && s.len > (size_t)f->max)
        api__violate(d, s, "have length less than or equal to %" PRId64, f->max);
}

void api__check_integer(struct api_decoder *d, const struct api_field *f, int64_t value) {
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    if (f->max != 0)
        check_bounds(d, f, tc_slice(text, (size_t)len), "value", value<f->min, value> f->max);
}

static bool is_below(const struct api_field *f, size_t count) {
    return f->min > 0 && count < (size_t)f->min;
}

static bool is_above(const struct api_field *f, size_t count) {
    return f->max > 0 && count > (size_t)f->max;
}

void api__check_count(struct api_decoder *d, const struct api_field *f, size_t count) {
    struct tc_slice empty =
        f->kind == API_KIND_STRUCT_MAP ? TC_SLICE_LIT("{}") : TC_SLICE_LIT("[]");
    check_bounds(d, f, count ? TC_SLICE_LIT("[...]") : empty, "length", is_below(f, count),
                 is_above(f, count));
}

/* The list inside a map is told with the map: both bounds, and the key in its value. */
static void violate_map_value(struct api_decoder *d, const struct api_field *f, size_t count) {
    char rule[192];
    struct tc_buf shown = {0};
    struct tc_slice key = d->path[--d->path_depth].key;
    (void)snprintf(rule, sizeof rule,
                   "Map value must satisfy constraint: [Member must have length less than or equal "
                   "to %" PRId64 ", Member must have length greater than or equal to %" PRId64 "]",
                   f->max, f->min);
    tc_buf_printf(&shown, "{%.*s=[%s]}", TC_SLICE_ARGS(key), count ? "..." : "");
    violate(d, tc_buf_slice(&shown), rule);
    tc_buf_deinit(&shown);
    d->path_depth++;
}

void api__check_list(struct api_decoder *d, const struct api_field *f, size_t count,
                     struct json_reader before) {
    struct tc_buf shown = {0};
    bool above = is_above(f, count);
    if (!above && !is_below(f, count))
        return;
    if (f->name[0] == '\0') {
        violate_map_value(d, f, count);
    } else if (above && api__show_list(f, before, &shown)) {
        check_bounds(d, f, tc_buf_slice(&shown), "length", /* below= */ false, above);
    } else {
        api__check_count(d, f, count);
    }
    tc_buf_deinit(&shown);
}

void api__check_table_key(struct api_decoder *d, const struct api_list *list, size_t struct_bytes,
                          struct tc_slice key) {
    if (key.len < API_TABLE_BYTES_MIN || key.len > API_NAME_BYTES_MAX ||
        !matches_name_pattern(key)) {
        struct tc_buf shown = {0};
        tc_buf_printf(&shown, "{%.*s=...}", TC_SLICE_ARGS(clip(key)));
        violate(d, tc_buf_slice(&shown),
                "Map keys must satisfy constraint: [Member must have length less than or equal to "
                "255, Member must have length greater than or equal to 1, Member must satisfy "
                "regular expression pattern: [a-zA-Z0-9_.-]+]");
        tc_buf_deinit(&shown);
    }
    for (size_t i = 0; i < list->count; i++) {
        const uint8_t *other = (const uint8_t *)list->items + i * struct_bytes;
        if (tc_slice_eq(*(const struct tc_slice *)(const void *)other, key))
            api__violate(d, key, "be unique");
    }
}

/* The service tells some sets in an order of its own. */
static const char *order_told(const char *names) {
    static const struct {
        const char *names, *told;
    } orders[] = {
        {"S, N, B", "B, N, S"},
        {"NONE, ALL_OLD", "ALL_OLD, NONE"},
        {"ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES, SPECIFIC_ATTRIBUTES, COUNT",
         "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES"},
        {"NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW",
         "ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW"},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(names, orders[i].names) == 0)
            return orders[i].told;
    return names;
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
    api__violate(d, s, "satisfy enum value set: [%s]", order_told(f->enum_names));
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
