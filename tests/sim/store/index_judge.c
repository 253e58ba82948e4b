/* The verdict on an index: the archive's logs of the table's line and of the index's are replayed,
 * each into what it holds at its end, and both are compared by what a client would see. Nothing of
 * core/index is asked. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "core/entry/entry.h"
#include "core/item/item.h"
#include "core/paxos/paxos.h"

#include <stdlib.h>

typedef unsigned long ul;

/* What a line of groups holds; rows of later entries replace those of earlier ones. */
struct content {
    struct tc_map rows; /* storage key -> struct tc_buf, owned */
};

static void content_put(struct content *c, struct tc_slice key, struct tc_slice value) {
    struct tc_buf *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    tc_buf_append_slice(b, value);
    struct tc_buf *before = tc_map_put(&c->rows, key, b);
    if (before)
        tc_buf_deinit(before);
    free(before);
}

static void content_delete(struct content *c, struct tc_slice key) {
    struct tc_buf *before = tc_map_del(&c->rows, key);
    if (before)
        tc_buf_deinit(before);
    free(before);
}

static void content_deinit(struct content *c) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&c->rows, &at, &key, &value)) {
        tc_buf_deinit(value);
        free(value);
    }
    tc_map_deinit(&c->rows);
}

/* ---- replay */

static bool is_auxiliary(struct tc_slice key) {
    return key.len > 8 && key.data[8] >= 0x10;
}

static uint64_t replay_write(struct content *c, struct tc_slice body) {
    uint64_t count = 0;
    struct entry_write e;
    struct entry_mutation m;
    tc_err err = entry_write_decode(body, &e);
    TC_ASSERT(err == TC_OK);
    for (struct entry_iter it = entry_iter(&e); entry_next(&it, &m);) {
        if (is_auxiliary(m.key))
            continue;
        count++;
        if (m.op == ENTRY_PUT)
            content_put(c, m.key, m.item);
        else
            content_delete(c, m.key);
    }
    return count;
}

/* A group's number is above those of all that it comes from, and groups that exist side by side
 * have different keys: so this is an order in which everything was written. */
static uint64_t replay_line(const struct world *w, uint32_t root, struct content *c) {
    uint64_t count = 0;
    for (uint32_t g = 0; g < w->group_count; g++) {
        const struct world_archive *a = &w->archives[g];
        for (uint64_t i = a->base; w->groups[g].root == root && i < a->count; i++)
            if (a->entries[i - a->base].type == PAXOS_WRITE)
                count += replay_write(c, tc_buf_slice(&a->entries[i - a->base].body));
    }
    return count;
}

/* ---- comparison */

static struct tc_slice text_of(struct tc_slice item, const char *name) {
    struct item_value v;
    return item_get(item, tc_slice_str(name), &v) ? v.body : TC_SLICE_EMPTY;
}

/* What clients may see of a row: everything but the attribute without a name. */
static bool shows_same(struct tc_slice row, struct tc_slice item) {
    struct item_iter it = item_iter(row);
    struct tc_slice name;
    struct item_value v, other;
    uint64_t count = 0;
    while (item_next(&it, &name, &v)) {
        if (name.len == 0)
            continue;
        count++;
        if (!item_get(item, name, &other) || !tc_slice_eq(v.encoded, other.encoded))
            return false;
    }
    return count == item_iter(item).left;
}

static bool is_gone(struct tc_slice row) {
    return text_of(row, "pk").len == 0;
}

/* The row that shows the item with this key. */
static const struct tc_buf *find_row(const struct content *index, struct tc_slice pk,
                                     size_t *ret_count) {
    const struct tc_buf *found = NULL;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    *ret_count = 0;
    while (tc_map_next(&index->rows, &at, &key, &value)) {
        if (!tc_slice_eq(text_of(tc_buf_slice(value), "pk"), pk))
            continue;
        found = value;
        (*ret_count)++;
    }
    return found;
}

static void check_item(struct world *w, const struct content *index, struct tc_slice item) {
    struct tc_slice pk = text_of(item, "pk");
    bool wanted = text_of(item, "g").len > 0;
    size_t count;
    const struct tc_buf *row = find_row(index, pk, &count);
    if (count != wanted)
        world_fail(w, "index: %.*s has %lu rows and should have %d", TC_SLICE_ARGS(pk), (ul)count,
                   wanted);
    else if (wanted && !shows_same(tc_buf_slice(row), item))
        world_fail(w, "index: the row of %.*s shows op %.*s, the item is op %.*s's",
                   TC_SLICE_ARGS(pk), TC_SLICE_ARGS(text_of(tc_buf_slice(row), "w")),
                   TC_SLICE_ARGS(text_of(item, "w")));
}

void world_index_judge(struct world *w) {
    struct content table = {0}, index = {0};
    size_t at = 0, items = 0, rows = 0, expected = 0;
    struct tc_slice key;
    void *value;
    (void)replay_line(w, w->index.base, &table);
    w->index.row_count = replay_line(w, w->index.root, &index);
    while (tc_map_next(&table.rows, &at, &key, &value) && !w->failed) {
        check_item(w, &index, tc_buf_slice(value));
        expected += text_of(tc_buf_slice(value), "g").len > 0;
        items++;
    }
    for (at = 0; tc_map_next(&index.rows, &at, &key, &value);)
        rows += !is_gone(tc_buf_slice(value));
    if (!w->failed && rows != expected)
        world_fail(w, "index: %lu rows for %lu items, of which %lu should have one", (ul)rows,
                   (ul)items, (ul)expected);
    content_deinit(&table);
    content_deinit(&index);
}
