#include "sim/suite/items.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading */

static const uint8_t *find(struct tc_slice in, const char *text) {
    return in.len ? memmem(in.data, in.len, text, strlen(text)) : NULL;
}

/* What stands in "name":{"T":"..."}; empty: there is none. */
static struct tc_slice value_of(struct tc_slice item, const char *name, char type) {
    char want[32];
    int len = snprintf(want, sizeof want, "\"%s\":{\"%c\":\"", name, type);
    const uint8_t *at = find(item, want);
    if (at == NULL)
        return TC_SLICE_EMPTY;
    at += len;
    const uint8_t *stop = memchr(at, '"', (size_t)(item.data + item.len - at));
    return stop ? tc_slice(at, (size_t)(stop - at)) : TC_SLICE_EMPTY;
}

static void text_of(struct tc_slice item, const char *name, char *out, size_t max) {
    struct tc_slice v = value_of(item, name, 'S');
    snprintf(out, max, "%.*s", (int)v.len, (const char *)v.data);
}

/* The number in a value, behind as many letters. */
static uint64_t number_of(struct tc_slice item, const char *name, char type, size_t letters) {
    char digits[24];
    struct tc_slice v = value_of(item, name, type);
    if (v.len <= letters)
        return 0;
    snprintf(digits, sizeof digits, "%.*s", (int)(v.len - letters), (const char *)v.data + letters);
    return strtoull(digits, NULL, 10);
}

static struct suite_item *add(struct suite_items *list) {
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->at = realloc(list->at, list->cap * sizeof *list->at);
        TC_ASSERT(list->at != NULL);
    }
    list->at[list->count] = (struct suite_item){0};
    return &list->at[list->count++];
}

static void read_one(struct suite_items *list, struct tc_slice text) {
    struct suite_item *i = add(list);
    text_of(text, "pk", i->pk, sizeof i->pk);
    text_of(text, "sk", i->sk, sizeof i->sk);
    i->stamp = number_of(text, "stamp", 'N', 0);
    i->count = number_of(text, "count", 'N', 0);
    i->local = number_of(text, "l", 'N', 0);
    i->global = number_of(text, "g", 'S', 1);
    i->more = number_of(text, "more", 'S', 1);
}

void suite_items_read(struct suite_items *list, struct tc_slice body) {
    const uint8_t *at = find(body, "\"Items\":[");
    const uint8_t *end = at ? memchr(at + 9, ']', (size_t)(body.data + body.len - (at + 9))) : NULL;
    while (end) {
        const uint8_t *stop = find(tc_slice(at, (size_t)(end - at)), "}}");
        if (stop == NULL)
            return;
        read_one(list, tc_slice(at, (size_t)(stop - at)));
        at = stop + 2;
    }
}

/* ---- comparing */

static int by_key(const void *a, const void *b) {
    const struct suite_item *x = a, *y = b;
    int order = strcmp(x->pk, y->pk);
    return order ? order : strcmp(x->sk, y->sk);
}

static void sort(struct suite_items *list) {
    if (list->count > 1)
        qsort(list->at, list->count, sizeof *list->at, by_key);
}

static bool has(const struct suite_item *i, unsigned attributes) {
    return (!(attributes & ITEM_STAMP) || i->stamp) && (!(attributes & ITEM_GLOBAL) || i->global) &&
           (!(attributes & ITEM_LOCAL) || i->local);
}

void suite_items_derive(const struct suite_items *table, unsigned needs, unsigned projects,
                        struct suite_items *ret) {
    unsigned shows = needs | projects;
    for (size_t i = 0; i < table->count; i++) {
        const struct suite_item *from = &table->at[i];
        if (!has(from, needs))
            continue;
        struct suite_item *to = add(ret);
        memcpy(to->pk, from->pk, sizeof to->pk);
        memcpy(to->sk, from->sk, sizeof to->sk);
        to->stamp = shows & ITEM_STAMP ? from->stamp : 0;
        to->count = shows & ITEM_COUNT ? from->count : 0;
        to->local = shows & ITEM_LOCAL ? from->local : 0;
        to->global = shows & ITEM_GLOBAL ? from->global : 0;
        to->more = shows & ITEM_MORE ? from->more : 0;
    }
}

static bool same(const struct suite_item *a, const struct suite_item *b) {
    return by_key(a, b) == 0 && a->stamp == b->stamp && a->count == b->count &&
           a->local == b->local && a->global == b->global && a->more == b->more;
}

static void describe(const struct suite_item *i, char *out, size_t max) {
    if (i == NULL)
        snprintf(out, max, "nothing");
    else
        snprintf(out, max, "%s/%s stamp %lu count %lu l %lu g %lu more %lu", i->pk, i->sk,
                 (unsigned long)i->stamp, (unsigned long)i->count, (unsigned long)i->local,
                 (unsigned long)i->global, (unsigned long)i->more);
}

bool suite_items_equal(struct suite_items *is, struct suite_items *should, char *text, size_t max) {
    char seen[160], wanted[160];
    sort(is);
    sort(should);
    for (size_t i = 0; i < is->count || i < should->count; i++) {
        const struct suite_item *a = i < is->count ? &is->at[i] : NULL;
        const struct suite_item *b = i < should->count ? &should->at[i] : NULL;
        if (a && b && same(a, b))
            continue;
        describe(a, seen, sizeof seen);
        describe(b, wanted, sizeof wanted);
        snprintf(text, max, "%zu rows where %zu should be; first: %s, should be: %s", is->count,
                 should->count, seen, wanted);
        return false;
    }
    return true;
}

const struct suite_item *suite_items_find(const struct suite_items *list, const char *pk,
                                          const char *sk) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].pk, pk) == 0 && strcmp(list->at[i].sk, sk) == 0)
            return &list->at[i];
    return NULL;
}

void suite_items_clear(struct suite_items *list) {
    list->count = 0;
}

void suite_items_deinit(struct suite_items *list) {
    free(list->at);
    *list = (struct suite_items){0};
}

/* ---- scans */

struct scan {
    struct suite *suite;
    const char *index;
    bool strong;
    suite_scan_fn done;
    struct suite_items items;
};

static void next_page(struct scan *scan, struct tc_slice start);

static void end(struct scan *scan, enum suite_class class) {
    scan->done(scan->suite, class, &scan->items);
    suite_items_deinit(&scan->items);
    free(scan);
}

static void page_done(void *user, enum suite_class class, struct tc_slice body) {
    struct scan *scan = user;
    if (class != CLASS_OK) {
        end(scan, class);
        return;
    }
    suite_items_read(&scan->items, body);
    const uint8_t *at = find(body, "\"LastEvaluatedKey\":");
    if (at == NULL) {
        end(scan, CLASS_OK);
        return;
    }
    at += strlen("\"LastEvaluatedKey\":");
    struct tc_slice rest = tc_slice(at, (size_t)(body.data + body.len - at));
    const uint8_t *stop = find(rest, "}}");
    TC_ASSERT(stop != NULL);
    next_page(scan, tc_slice(at, (size_t)(stop - at) + 2));
}

static void next_page(struct scan *scan, struct tc_slice start) {
    struct tc_buf b = {0};
    tc_buf_append_str(&b, "{\"TableName\":\"suite\"");
    if (scan->index)
        tc_buf_printf(&b, ",\"IndexName\":\"%s\"", scan->index);
    if (scan->strong)
        tc_buf_append_str(&b, ",\"ConsistentRead\":true");
    if (start.len)
        tc_buf_printf(&b, ",\"ExclusiveStartKey\":%.*s", (int)start.len, (const char *)start.data);
    tc_buf_append_str(&b, "}");
    suite_call(scan->suite, "Scan", tc_buf_slice(&b), page_done, scan);
    tc_buf_deinit(&b);
}

void suite_scan(struct suite *s, const char *index, bool strong, suite_scan_fn done) {
    struct scan *scan = calloc(1, sizeof *scan);
    TC_ASSERT(scan != NULL);
    *scan = (struct scan){.suite = s, .index = index, .strong = strong, .done = done};
    next_page(scan, TC_SLICE_EMPTY);
}
