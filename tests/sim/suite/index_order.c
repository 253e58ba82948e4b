/* The operator of by-h: created, filled while clients write what nobody writes again, dropped only
 * when it shows all of that, created again. At the end it is there. */
#include "sim/suite/index.h"

#include <string.h>

enum {
    CROWD = 6,           /* writers while the index is made */
    CROWD_FILLERS = 100, /* of one creation */
    KEEP_MS_MAX = 8000,
};

enum state {
    ABSENT,
    CREATING, /* its groups are made */
    FILLING,  /* it is in the schema, or will be at once */
    ACTIVE,
    DELETING,
};

static struct {
    enum state state;
    uint64_t keep_until_ns; /* once ACTIVE */
    uint32_t writers;
    uint32_t fillers_max; /* while this index is made */
} x;

static void look(struct suite *s, void *arg);

static void look_after(struct suite *s, uint64_t ms) {
    suite_after(s, ms * SUITE_MS, look, NULL);
}

/* ---- orders */

static void ordered(void *user, enum suite_class class, struct tc_slice body) {
    (void)class, (void)body;
    look_after(user, 50);
}

static void create(struct suite *s) {
    struct tc_buf b = {0};
    tc_buf_append_str(
        &b, "{\"TableName\":\"suite\",\"AttributeDefinitions\":["
            "{\"AttributeName\":\"g\",\"AttributeType\":\"S\"},"
            "{\"AttributeName\":\"stamp\",\"AttributeType\":\"N\"}],"
            "\"GlobalSecondaryIndexUpdates\":[{\"Create\":{\"IndexName\":\"by-h\",\"KeySchema\":["
            "{\"AttributeName\":\"g\",\"KeyType\":\"HASH\"},"
            "{\"AttributeName\":\"stamp\",\"KeyType\":\"RANGE\"}],\"Projection\":");
    suite_index_put_projection(s, /* global= */ true, &b);
    tc_buf_append_str(&b, "}}]}");
    x.fillers_max = s->clients->index->filler_count + CROWD_FILLERS;
    suite_trace(s, "by-h is to be created");
    suite_call(s, "UpdateTable", tc_buf_slice(&b), ordered, s);
    tc_buf_deinit(&b);
}

static void drop(struct suite *s) {
    suite_trace(s, "by-h is to be dropped");
    suite_call(s, "UpdateTable",
               tc_slice_str("{\"TableName\":\"suite\",\"GlobalSecondaryIndexUpdates\":[{\"Delete\":"
                            "{\"IndexName\":\"by-h\"}}]}"),
               ordered, s);
}

/* ---- the crowd */

static void fill(struct suite *s, void *arg);

static void filled(struct suite *s, void *arg) {
    (void)arg;
    /* Densely when the schema comes into force: then writes are under way that were decided without
     * the index. */
    uint64_t pause_ms = x.state == FILLING ? 1 + suite_below(s, 10) : 100 + suite_below(s, 400);
    suite_after(s, pause_ms * SUITE_MS, fill, NULL);
}

static void fill(struct suite *s, void *arg) {
    bool wanted = (x.state == CREATING || x.state == FILLING) && !s->failed &&
                  s->clients->index->filler_count < x.fillers_max;
    (void)arg;
    if (!wanted || !suite_index_fill(s, filled))
        x.writers--;
}

static void crowd(struct suite *s) {
    for (; x.writers < CROWD; x.writers++)
        suite_after(s, suite_below(s, 20 * SUITE_MS), fill, NULL);
}

/* ---- before it is dropped */

/* What was written once, and is known to be, has its row. */
static bool shows_all(const struct suite *s, const struct suite_items *rows) {
    const struct suite_index *index = s->clients->index;
    char name[16];
    for (uint32_t i = SUITE_FILLERS_LIVE; i < index->filler_count; i++) {
        suite_index_filler_name(i, name, sizeof name);
        if (index->fillers[i].known && suite_items_find(rows, name, "k0") == NULL)
            return false;
    }
    return true;
}

static void scanned(struct suite *s, enum suite_class class, const struct suite_items *rows) {
    if (class == CLASS_OK && !s->calm && shows_all(s, rows))
        drop(s);
    else
        look_after(s, 1000);
}

/* ---- looking */

static bool has(struct tc_slice in, const char *text) {
    return memmem(in.data, in.len, text, strlen(text)) != NULL;
}

/* Of one index: its name comes before its status in the answer. */
static enum state read_state(struct tc_slice body) {
    static const char mark[] = "\"IndexName\":\"by-h\"";
    const uint8_t *at = memmem(body.data, body.len, mark, strlen(mark));
    if (at == NULL)
        return ABSENT;
    struct tc_slice rest = tc_slice(at, (size_t)(body.data + body.len - at));
    const uint8_t *end = memmem(rest.data, rest.len, "\"IndexArn\"", 10);
    rest.len = end ? (size_t)(end - rest.data) : rest.len;
    if (has(rest, "\"DELETING\""))
        return DELETING;
    if (has(rest, "\"CREATING\""))
        return has(rest, "\"Backfilling\":true") ? FILLING : CREATING;
    return ACTIVE;
}

static void act_active(struct suite *s) {
    s->clients->index->is_there = s->judging;
    if (s->calm)
        look_after(s, 500);
    else if (s->now_ns < x.keep_until_ns)
        look_after(s, 300);
    else
        suite_scan(s, "by-h", /* strong= */ false, scanned);
}

static void act(struct suite *s) {
    bool changes_mind = !s->calm && suite_below(s, 80) == 0;
    if (x.state == ABSENT && (s->calm || suite_below(s, 3) == 0))
        create(s);
    else if (x.state == ACTIVE)
        act_active(s);
    else if ((x.state == CREATING || x.state == FILLING) && changes_mind)
        drop(s);
    else
        look_after(s, x.state == CREATING || x.state == FILLING ? 40 + suite_below(s, 60) : 400);
}

static void enter(struct suite *s, enum state now) {
    static const char *const names[] = {"absent", "CREATING", "CREATING, backfilling", "ACTIVE",
                                        "DELETING"};
    if (now == x.state)
        return;
    suite_trace(s, "by-h is %s", names[now]);
    s->clients->index->made += now == ACTIVE;
    s->clients->index->gone += now == ABSENT;
    if (now == ACTIVE)
        x.keep_until_ns = s->now_ns + suite_below(s, KEEP_MS_MAX) * SUITE_MS;
    x.state = now;
}

static void looked(void *user, enum suite_class class, struct tc_slice body) {
    struct suite *s = user;
    if (s->failed)
        return;
    if (class != CLASS_OK) {
        look_after(s, 200);
        return;
    }
    enter(s, read_state(body));
    if (x.state == CREATING || x.state == FILLING)
        crowd(s);
    act(s);
}

static void look(struct suite *s, void *arg) {
    (void)arg;
    suite_call(s, "DescribeTable", tc_slice_str("{\"TableName\":\"suite\"}"), looked, s);
}

void suite_index_begin(struct suite *s) {
    if (s->swarm.indexed && s->swarm.index_cycles)
        look(s, NULL);
}
