/* What clients do with the indexes, and what an answer of one must look like. */
#include "sim/suite/index.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LETTER_BITS = 2,
    LETTER_MASK = 3,
};

#define TABLE "\"TableName\":\"suite\""

/* ---- stamps and what they say */

static uint64_t local_of(uint64_t stamp) {
    return stamp & LETTER_MASK;
}

static uint64_t global_of(uint64_t stamp) {
    return stamp >> LETTER_BITS & LETTER_MASK;
}

static uint64_t new_stamp(struct suite *s, uint64_t local, uint64_t global) {
    return ++s->clients->stamps << 2 * LETTER_BITS | global << LETTER_BITS | local;
}

uint64_t suite_stamp_new(struct suite *s) {
    if (!s->swarm.indexed)
        return ++s->clients->stamps;
    uint64_t local = suite_below(s, LETTER_MASK + 1);
    return new_stamp(s, local, suite_below(s, LETTER_MASK + 1));
}

/* ---- writing */

void suite_index_put_attributes(struct suite *s, struct tc_buf *b, uint64_t stamp) {
    if (!s->swarm.indexed)
        return;
    if (local_of(stamp))
        tc_buf_printf(b, ",\"l\":{\"N\":\"%lu\"}", (unsigned long)local_of(stamp));
    if (global_of(stamp))
        tc_buf_printf(b, ",\"g\":{\"S\":\"g%lu\"}", (unsigned long)global_of(stamp));
    tc_buf_printf(b, ",\"more\":{\"S\":\"x%lu\"}", (unsigned long)stamp);
}

void suite_index_put_update(struct suite *s, struct tc_buf *b, uint64_t stamp) {
    if (!s->swarm.indexed)
        return;
    bool local = local_of(stamp), global = global_of(stamp);
    tc_buf_printf(b, ", more = :more%s%s", local ? ", l = :l" : "", global ? ", g = :g" : "");
    if (!local || !global)
        tc_buf_printf(b, " REMOVE %s%s%s", local ? "" : "l", local || global ? "" : ", ",
                      global ? "" : "g");
}

void suite_index_put_letters(struct suite *s, struct tc_buf *b) {
    if (s->swarm.indexed)
        tc_buf_printf(b, ",\":l\":{\"N\":\"%lu\"},\":g\":{\"S\":\"g%lu\"}",
                      (unsigned long)(1 + suite_below(s, LETTER_MASK)),
                      (unsigned long)(1 + suite_below(s, LETTER_MASK)));
}

void suite_index_put_values(struct suite *s, struct tc_buf *b, uint64_t stamp) {
    if (!s->swarm.indexed)
        return;
    if (local_of(stamp))
        tc_buf_printf(b, ",\":l\":{\"N\":\"%lu\"}", (unsigned long)local_of(stamp));
    if (global_of(stamp))
        tc_buf_printf(b, ",\":g\":{\"S\":\"g%lu\"}", (unsigned long)global_of(stamp));
    tc_buf_printf(b, ",\":more\":{\"S\":\"x%lu\"}", (unsigned long)stamp);
}

/* ---- the table */

unsigned suite_index_projects(const struct suite *s, bool global) {
    static const unsigned kinds[] = {ITEM_EVERYTHING, ITEM_STAMP | ITEM_COUNT, 0};
    return kinds[global ? s->swarm.global_projection : s->swarm.local_projection];
}

void suite_index_put_projection(const struct suite *s, bool global, struct tc_buf *b) {
    static const char *const kinds[] = {
        "\"ALL\"", "\"INCLUDE\",\"NonKeyAttributes\":[\"stamp\",\"count\"]", "\"KEYS_ONLY\""};
    tc_buf_printf(b, "{\"ProjectionType\":%s}",
                  kinds[global ? s->swarm.global_projection : s->swarm.local_projection]);
}

void suite_index_put_definitions(struct suite *s, struct tc_buf *b) {
    if (!s->swarm.indexed)
        return;
    tc_buf_append_str(b, ",\"LocalSecondaryIndexes\":[{\"IndexName\":\"by-l\",\"KeySchema\":["
                         "{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
                         "{\"AttributeName\":\"l\",\"KeyType\":\"RANGE\"}],\"Projection\":");
    suite_index_put_projection(s, /* global= */ false, b);
    tc_buf_append_str(b, "}],\"GlobalSecondaryIndexes\":[{\"IndexName\":\"by-g\",\"KeySchema\":["
                         "{\"AttributeName\":\"g\",\"KeyType\":\"HASH\"}],\"Projection\":");
    suite_index_put_projection(s, /* global= */ true, b);
    tc_buf_append_str(b, "}]");
}

/* ---- fillers */

void suite_index_filler_name(uint32_t filler, char *out, size_t max) {
    snprintf(out, max, "f%u", filler);
}

static void put_filler(struct suite *s, struct tc_buf *b, uint32_t filler, uint64_t stamp) {
    char name[16];
    suite_index_filler_name(filler, name, sizeof name);
    tc_buf_printf(b,
                  "{" TABLE ",\"Item\":{\"pk\":{\"S\":\"%s\"},\"sk\":{\"S\":\"k0\"},"
                  "\"stamp\":{\"N\":\"%lu\"}",
                  name, (unsigned long)stamp);
    suite_index_put_attributes(s, b, stamp);
    tc_buf_append_str(b, "}}");
}

struct fill {
    struct suite *suite;
    uint32_t filler;
    uint32_t left; /* writes without an answer */
    suite_fn done;
};

static void filled(void *user, enum suite_class class, struct tc_slice body) {
    struct fill *f = user;
    struct suite_filler *filler = &f->suite->clients->index->fillers[f->filler];
    (void)body;
    filler->known = filler->known && class == CLASS_OK;
    if (--f->left > 0)
        return;
    f->suite->clients->index->fillers_out--;
    f->done(f->suite, NULL);
    free(f);
}

static void put_one(struct fill *f, uint64_t stamp) {
    struct tc_buf b = {0};
    put_filler(f->suite, &b, f->filler, stamp);
    suite_call(f->suite, "PutItem", tc_buf_slice(&b), filled, f);
    tc_buf_deinit(&b);
}

static void put_other(struct suite *s, void *arg) {
    struct fill *f = arg;
    put_one(f, s->clients->index->fillers[f->filler].other);
}

static uint64_t filler_stamp(struct suite *s) {
    return new_stamp(s, suite_below(s, LETTER_MASK + 1), 1 + suite_below(s, LETTER_MASK));
}

bool suite_index_fill(struct suite *s, suite_fn done) {
    struct suite_index *x = s->clients->index;
    if (x->filler_count == SUITE_FILLERS_MAX)
        return false;
    struct fill *f = calloc(1, sizeof *f);
    TC_ASSERT(f != NULL);
    *f = (struct fill){.suite = s, .filler = x->filler_count++, .left = 1, .done = done};
    struct suite_filler *filler = &x->fillers[f->filler];
    filler->stamp = filler->other = filler_stamp(s);
    filler->known = true;
    x->fillers_out++;
    if (suite_below(s, 2)) {
        filler->other = filler_stamp(s);
        f->left++;
        suite_after(s, suite_below(s, 20 * SUITE_MS), put_other, f);
    }
    put_one(f, filler->stamp);
    return true;
}

/* One of the live ones, from one set of keys to another one, or away. */
static const char *build_filler(struct suite_op *op, struct tc_buf *b) {
    struct suite *s = op->suite;
    uint32_t filler = (uint32_t)suite_below(s, SUITE_FILLERS_LIVE);
    char name[16];
    op->what = OP_FILLER;
    if (suite_below(s, 4) > 0) {
        put_filler(s, b, filler, suite_stamp_new(s));
        return "PutItem";
    }
    suite_index_filler_name(filler, name, sizeof name);
    tc_buf_printf(b, "{" TABLE ",\"Key\":{\"pk\":{\"S\":\"%s\"},\"sk\":{\"S\":\"k0\"}}}", name);
    return "DeleteItem";
}

/* ---- reading */

/* All of one partition key value, or those with one letter. */
static const char *build_local(struct suite_op *op, struct tc_buf *b) {
    struct suite *s = op->suite;
    op->what = OP_LOCAL;
    op->lin.kind = LIN_READ;
    op->letter = suite_below(s, LETTER_MASK + 1);
    op->shows = ITEM_LOCAL | suite_index_projects(s, /* global= */ false);
    if (!(op->shows & ITEM_STAMP) || suite_below(s, 2))
        op->shows = ITEM_EVERYTHING;
    tc_buf_printf(b,
                  "{" TABLE ",\"IndexName\":\"by-l\",\"ConsistentRead\":true,"
                  "\"KeyConditionExpression\":\"pk = :p%s\",\"ScanIndexForward\":%s,%s"
                  "\"ExpressionAttributeValues\":{\":p\":{\"S\":\"p%u\"}",
                  op->letter ? " AND l = :l" : "", suite_below(s, 2) ? "true" : "false",
                  op->shows == ITEM_EVERYTHING ? "\"Select\":\"ALL_ATTRIBUTES\"," : "",
                  op->partition);
    if (op->letter)
        tc_buf_printf(b, ",\":l\":{\"N\":\"%lu\"}", (unsigned long)op->letter);
    tc_buf_append_str(b, "}}");
    return "Query";
}

static const char *build_global(struct suite_op *op, struct tc_buf *b) {
    op->what = OP_GLOBAL;
    op->letter = 1 + suite_below(op->suite, LETTER_MASK);
    op->shows = ITEM_GLOBAL | suite_index_projects(op->suite, /* global= */ true);
    tc_buf_printf(b,
                  "{" TABLE ",\"IndexName\":\"by-g\",\"KeyConditionExpression\":\"g = :g\","
                  "\"ExpressionAttributeValues\":{\":g\":{\"S\":\"g%lu\"}}}",
                  (unsigned long)op->letter);
    return "Query";
}

const char *suite_index_build(struct suite_op *op, struct tc_buf *b) {
    uint64_t roll = op->suite->swarm.indexed ? suite_below(op->suite, 12) : 12;
    if (roll == 0)
        return build_global(op, b);
    if (roll < 3)
        return build_local(op, b);
    return roll == 3 ? build_filler(op, b) : NULL;
}

/* ---- answers */

/* Some state of the item, as far as the index shows it. */
static bool is_sound(const struct suite *s, const struct suite_item *i, unsigned shows) {
    bool counter = i->stamp == 0;
    bool issued = i->stamp >> 2 * LETTER_BITS <= s->clients->stamps;
    if (!(shows & ITEM_STAMP) || counter)
        return true;
    return issued && i->global == (shows & ITEM_GLOBAL ? global_of(i->stamp) : 0) &&
           i->local == (shows & ITEM_LOCAL ? local_of(i->stamp) : 0) &&
           i->more == (shows & ITEM_MORE ? i->stamp : 0);
}

static void check_global(const struct suite_op *op, const struct suite_items *items) {
    struct suite *s = op->suite;
    for (size_t i = 0; i < items->count; i++)
        if (items->at[i].global != op->letter || !is_sound(s, &items->at[i], op->shows))
            suite_fail(s, "by-g shows under g%lu a row that no item ever had: %s/%s stamp %lu",
                       (unsigned long)op->letter, items->at[i].pk, items->at[i].sk,
                       (unsigned long)items->at[i].stamp);
}

static void check_local(const struct suite_op *op, const struct suite_items *items) {
    for (size_t i = 0; i < items->count; i++) {
        const struct suite_item *row = &items->at[i];
        bool known = row->local != 0 && (op->letter == 0 || row->local == op->letter);
        if (!known || !is_sound(op->suite, row, op->shows))
            suite_fail(op->suite, "by-l shows an item that is not under l %lu: %s/%s stamp %lu",
                       (unsigned long)op->letter, row->pk, row->sk, (unsigned long)row->stamp);
        for (size_t k = 0; k < i; k++)
            if (strcmp(items->at[k].sk, row->sk) == 0)
                suite_fail(op->suite, "by-l shows an item twice: %s/%s", row->pk, row->sk);
    }
}

/* Each key of the partition key value was among them or not, at some moment of the call. A counter
 * always has some letter. */
static void record_local(const struct suite_op *op, const struct suite_items *items) {
    struct suite *s = op->suite;
    for (uint32_t k = op->partition; k < s->swarm.keys; k += SUITE_PARTITIONS) {
        char sk[16], pk[16];
        snprintf(sk, sizeof sk, "k%u", k);
        snprintf(pk, sizeof pk, "p%u", op->partition);
        const struct suite_item *i = suite_items_find(items, pk, sk);
        struct suite_lin_op lin = op->lin;
        if (i)
            lin.result = k < SUITE_COUNTERS ? i->count : i->stamp;
        else if (k >= SUITE_COUNTERS)
            lin.kind = LIN_MISS;
        else if (op->letter)
            continue;
        lin.expected = op->letter;
        suite_client_record(s->clients, k, lin);
    }
}

void suite_index_answered(struct suite_op *op, enum suite_class class, struct tc_slice body) {
    struct suite_items items = {0};
    if (class != CLASS_OK || op->what == OP_FILLER)
        return;
    suite_items_read(&items, body);
    if (op->what == OP_GLOBAL) {
        check_global(op, &items);
    } else {
        check_local(op, &items);
        record_local(op, &items);
    }
    suite_items_deinit(&items);
}
