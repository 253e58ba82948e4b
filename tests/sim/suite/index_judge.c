/* When nobody writes any more: the local index shows what the table says at once, the global ones
 * soon: every row, the projected attributes, no row too many, whether scanned or asked for by key.
 */
#include "sim/suite/ask.h"
#include "sim/suite/index.h"

#include <stdio.h>
#include <string.h>

#define SETTLE_NS   (150 * SUITE_S) /* by-h is made */
#define CONVERGE_NS (60 * SUITE_S)

enum {
    LETTERS = 3,
};

/* ---- one answer after the other, while time passes */

static struct {
    bool done;
    enum suite_class class;
    struct suite_items *items;
} last;

static void keep(const struct suite_items *from, struct suite_items *to) {
    suite_items_derive(from, 0, ITEM_EVERYTHING, to);
}

static void scanned(struct suite *s, enum suite_class class, const struct suite_items *items) {
    (void)s;
    last.done = true;
    last.class = class;
    keep(items, last.items);
}

static void queried(void *user, enum suite_class class, struct tc_slice body) {
    (void)user;
    last.done = true;
    last.class = class;
    suite_items_read(last.items, body);
}

static bool is_done(struct suite *s) {
    (void)s;
    return last.done;
}

/* False and no failure: a router may not know yet that by-h is ACTIVE. */
static bool wait(struct suite *s, const char *what) {
    if (suite_within(s, 30 * SUITE_S, is_done) && last.class == CLASS_OK)
        return true;
    if (last.done && last.class == CLASS_NOTHING && strcmp(what, "by-h") == 0)
        return false;
    suite_fail(s, "%s cannot be read although all is well again", what);
    return false;
}

static bool scan(struct suite *s, const char *index, bool strong, struct suite_items *ret) {
    last.done = false;
    last.items = ret;
    suite_items_clear(ret);
    suite_scan(s, index, strong, scanned);
    return wait(s, index ? index : "the table");
}

/* Every letter of a global index by itself. */
static bool query(struct suite *s, const char *index, struct suite_items *ret) {
    suite_items_clear(ret);
    for (uint32_t letter = 1; letter <= LETTERS; letter++) {
        struct tc_buf b = {0};
        tc_buf_printf(&b,
                      "{\"TableName\":\"suite\",\"IndexName\":\"%s\",\"KeyConditionExpression\":"
                      "\"g = :g\",\"ExpressionAttributeValues\":{\":g\":{\"S\":\"g%u\"}}}",
                      index, letter);
        last.done = false;
        last.items = ret;
        suite_call(s, "Query", tc_buf_slice(&b), queried, s);
        tc_buf_deinit(&b);
        if (!wait(s, index))
            return false;
    }
    return true;
}

/* ---- the table itself */

static void judge_fillers(struct suite *s, const struct suite_items *table) {
    const struct suite_index *x = s->clients->index;
    char name[16];
    for (uint32_t i = SUITE_FILLERS_LIVE; i < x->filler_count; i++) {
        suite_index_filler_name(i, name, sizeof name);
        const struct suite_item *item = suite_items_find(table, name, "k0");
        bool right =
            item && (item->stamp == x->fillers[i].stamp || item->stamp == x->fillers[i].other);
        if (x->fillers[i].known && !right)
            suite_fail(s, "%s was written with stamp %lu or %lu, and is %s", name,
                       (unsigned long)x->fillers[i].stamp, (unsigned long)x->fillers[i].other,
                       item ? "another one" : "not there");
    }
}

/* ---- indexes */

static void judge_local(struct suite *s, const struct suite_items *table) {
    struct suite_items rows = {0}, should = {0};
    char text[400];
    suite_items_derive(table, ITEM_LOCAL, suite_index_projects(s, /* global= */ false), &should);
    if (scan(s, "by-l", /* strong= */ true, &rows) &&
        !suite_items_equal(&rows, &should, text, sizeof text))
        suite_fail(s, "by-l does not show what the table says: %s", text);
    suite_items_deinit(&rows);
    suite_items_deinit(&should);
}

static bool never(struct suite *s) {
    (void)s;
    return false;
}

/* Replicas may be a little behind, and rows on their way. */
static void judge_global(struct suite *s, const char *name, unsigned needs,
                         const struct suite_items *table) {
    struct suite_items rows = {0}, should = {0};
    uint64_t until_ns = s->now_ns + CONVERGE_NS;
    char text[400] = "it is not read";
    bool equal = false;
    suite_items_derive(table, needs, suite_index_projects(s, /* global= */ true), &should);
    while (!equal && !s->failed && s->now_ns < until_ns) {
        equal = scan(s, name, /* strong= */ false, &rows) &&
                suite_items_equal(&rows, &should, text, sizeof text) && query(s, name, &rows) &&
                suite_items_equal(&rows, &should, text, sizeof text);
        if (!equal)
            (void)suite_within(s, SUITE_S, never);
    }
    if (!equal)
        suite_fail(s, "%s does not show what the table says: %s", name, text);
    suite_items_deinit(&rows);
    suite_items_deinit(&should);
}

static bool is_settled(struct suite *s) {
    return s->clients->index->is_there && s->clients->index->fillers_out == 0;
}

void suite_index_judge(struct suite *s) {
    struct suite_items table = {0};
    if (!s->swarm.indexed)
        return;
    if (s->swarm.index_cycles && !suite_within(s, SETTLE_NS, is_settled))
        suite_fail(s, "by-h is not made although all is well again");
    if (s->failed || !scan(s, NULL, /* strong= */ true, &table))
        return;
    judge_fillers(s, &table);
    if (!s->failed)
        judge_local(s, &table);
    if (!s->failed)
        judge_global(s, "by-g", ITEM_GLOBAL, &table);
    if (!s->failed && s->swarm.index_cycles)
        judge_global(s, "by-h", ITEM_GLOBAL | ITEM_STAMP, &table);
    suite_items_deinit(&table);
}
