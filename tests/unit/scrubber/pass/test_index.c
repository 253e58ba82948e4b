/* A table of two groups against an index of one: what leaders answer, and what the pass makes of
 * it. */
#include "cluster.h"

#include "base/assert.h"
#include "core/index/index.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN

enum {
    LEFT = 11,
    RIGHT = 12,
    INDEX = 13,
    TABLE = 5,
    ROWS_TABLE = 6,
    ROWS_MAX = 600,
    PAGE = 100,
};

struct row {
    char key[8]; /* the first byte is its bucket */
    uint64_t hash;
};

struct group {
    uint64_t gid;
    uint64_t table_id;
    const char *start, *end;
    struct row rows[ROWS_MAX];
    size_t count;
    uint64_t index;
    uint64_t outbox_count;
    uint64_t writes; /* index rises with every answer */
    bool leads;
};

struct fixture {
    struct group groups[3];
    struct pass_env env;
    struct tc_buf schema;
    int asked;
};

static struct fixture fixture;

static void fill_schema(struct tc_buf *out) {
    struct index_schema s = {
        .version = 3, .kind = INDEX_TABLE, .hash = {TC_SLICE_LIT("pk"), ITEM_S}, .def_count = 1};
    s.defs[0] = (struct index_def){.id = 4,
                                   .global = true,
                                   .table_id = ROWS_TABLE,
                                   .name = TC_SLICE_LIT("by-g"),
                                   .hash = {{TC_SLICE_LIT("g"), ITEM_S}},
                                   .hash_count = 1,
                                   .projection = INDEX_ALL};
    assert_int_equal(index_schema_encode(&s, out), TC_OK);
}

static void answer_info(struct fixture *f, struct tc_buf *out) {
    Tercet__Pb__NodeInfoReply info = TERCET__PB__NODE_INFO_REPLY__INIT;
    Tercet__Pb__ReplicaInfo replicas[3], *list[3];
    Tercet__Pb__Partition partitions[3];
    for (size_t i = 0; i < 3; i++) {
        const struct group *g = &f->groups[i];
        tercet__pb__replica_info__init(&replicas[i]);
        tercet__pb__partition__init(&partitions[i]);
        partitions[i].gid = g->gid;
        partitions[i].table_id = g->table_id;
        partitions[i].start = proto_bytes(tc_slice_str(g->start));
        partitions[i].end = proto_bytes(tc_slice_str(g->end));
        if (g->table_id == TABLE)
            partitions[i].schema = proto_bytes(tc_buf_slice(&f->schema));
        replicas[i].partition = &partitions[i];
        replicas[i].role = g->leads ? 2 : 0;
        list[i] = &replicas[i];
    }
    info.replicas = list;
    info.n_replicas = 3;
    proto_append(out, &info.base);
}

static void answer_page(struct group *g, const Tercet__Pb__ScrubIndexRequest *req,
                        struct tc_buf *out) {
    Tercet__Pb__ScrubIndexReply m = TERCET__PB__SCRUB_INDEX_REPLY__INIT;
    uint64_t sums[256] = {0}, hashes[PAGE];
    ProtobufCBinaryData keys[PAGE];
    size_t i = 0, end;
    while (i < g->count && req->after.len > 0 &&
           tc_slice_cmp(tc_slice_str(g->rows[i].key), proto_slice(req->after)) <= 0)
        i++;
    end = i + PAGE < g->count ? i + PAGE : g->count;
    for (; i < end; i++) {
        uint8_t bucket = (uint8_t)g->rows[i].key[0];
        sums[bucket] += g->rows[i].hash;
        m.rows++;
        m.next = proto_bytes(tc_slice_str(g->rows[i].key));
        if (req->bucket != bucket + 1u)
            continue;
        keys[m.n_keys++] = m.next;
        hashes[m.n_hashes++] = g->rows[i].hash;
    }
    if (end == g->count)
        m.next.len = 0;
    m.sums = sums;
    m.n_sums = 256;
    m.keys = keys;
    m.hashes = hashes;
    m.index = g->index += g->writes;
    m.outbox_count = g->outbox_count;
    proto_append(out, &m.base);
}

static tc_err ask(void *user, const char *addr, const char *method, struct tc_slice request,
                  uint32_t deadline_ms, struct tc_buf *ret_reply) {
    struct fixture *f = user;
    (void)addr;
    (void)deadline_ms;
    f->asked++;
    if (strstr(method, "NodeInfo")) {
        answer_info(f, ret_reply);
        return TC_OK;
    }
    assert_string_equal(method, "/tercet.Storage/ScrubIndex");
    Tercet__Pb__ScrubIndexRequest *req =
        tercet__pb__scrub_index_request__unpack(NULL, request.len, request.data);
    tc_err err = TC_ENOTFOUND;
    for (size_t i = 0; i < 3; i++)
        if (f->groups[i].gid == req->gid) {
            answer_page(&f->groups[i], req, ret_reply);
            err = TC_OK;
        }
    tercet__pb__scrub_index_request__free_unpacked(req, NULL);
    return err;
}

static bool pause_ms(void *user, uint32_t ms) {
    (void)user;
    (void)ms;
    return true;
}

static uint64_t wall_ms(void *user) {
    (void)user;
    return 1;
}

static void add(struct group *g, int number) {
    struct row *r = &g->rows[g->count++];
    snprintf(r->key, sizeof r->key, "%c%05d", 'a' + number * 20 / ROWS_MAX, number);
    r->hash = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* 300 rows, of items in both groups. */
static struct fixture *setup(void) {
    struct fixture *f = &fixture;
    tc_buf_deinit(&f->schema);
    *f = (struct fixture){.env = {.ask = ask, .pause = pause_ms, .wall_ms = wall_ms, .user = f}};
    f->groups[0] = (struct group){.gid = LEFT, .table_id = TABLE, .start = "", .end = "m"};
    f->groups[1] = (struct group){.gid = RIGHT, .table_id = TABLE, .start = "m", .end = ""};
    f->groups[2] = (struct group){.gid = INDEX, .table_id = ROWS_TABLE, .start = "", .end = ""};
    for (int i = 0; i < 3; i++) {
        f->groups[i].leads = true;
        f->groups[i].index = 50;
    }
    for (int i = 0; i < 300; i++) {
        add(&f->groups[i % 3 == 0], i);
        add(&f->groups[2], i);
    }
    fill_schema(&f->schema);
    return f;
}

static Tercet__Pb__ScrubGroup *run(struct fixture *f) {
    static const char *const addrs[] = {"node"};
    struct pass_nodes nodes;
    struct pass_index indexes[4];
    pass_nodes_ask(&f->env, addrs, 1, &nodes);
    assert_int_equal(pass_indexes(&nodes, indexes, 4), 1); /* both groups name the same one */
    assert_int_equal(indexes[0].id, 4);
    assert_string_equal(indexes[0].name, "by-g");
    Tercet__Pb__ScrubGroup *g = pass_index(&f->env, &nodes, &indexes[0]);
    pass_nodes_deinit(&nodes);
    assert_int_equal(g->gid, ROWS_TABLE);
    assert_int_equal(g->table_id, TABLE);
    assert_int_equal(g->n_checks, 1);
    return g;
}

static void expect(struct fixture *f, Tercet__Pb__ScrubState state, const char *why,
                   size_t findings) {
    Tercet__Pb__ScrubGroup *g = run(f);
    if (strstr(g->checks[0]->why, why) == NULL)
        fail_msg("%s", g->checks[0]->why);
    assert_int_equal(g->checks[0]->state, state);
    assert_int_equal(g->n_findings, findings);
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    tc_buf_deinit(&f->schema);
    f->schema = (struct tc_buf){0};
}

static void an_equal_index_is_clean(void **state) {
    (void)state;
    expect(setup(), CLEAN, "equal: 300 rows of index by-g in 1 groups, items in 2", 0);
}

static void rows_that_differ_are_named(void **state) {
    (void)state;
    struct fixture *f = setup();
    f->groups[2].rows[7].hash++;                      /* another state */
    f->groups[2].rows[f->groups[2].count - 1].hash++; /* in another bucket */
    add(&f->groups[2], 590);                          /* of no item */
    memmove(&f->groups[2].rows[3], &f->groups[2].rows[4],
            (f->groups[2].count - 4) * sizeof f->groups[2].rows[0]);
    f->groups[2].count--; /* row 3 is missing */
    Tercet__Pb__ScrubGroup *g = run(f);
    assert_int_equal(g->checks[0]->state, DAMAGED);
    assert_non_null(strstr(g->checks[0]->why, "differs in 3 of 256 buckets, from bucket 97 on"));
    int missing = 0, other = 0, too_many = 0;
    for (size_t i = 0; i < g->n_findings; i++) {
        const Tercet__Pb__ScrubFinding *finding = g->findings[i];
        assert_string_equal(finding->copy, "by-g");
        missing += strstr(finding->what, "missing") && memcmp(finding->key.data, "a00003", 6) == 0;
        other += strstr(finding->what, "another state") != NULL;
        too_many +=
            strstr(finding->what, "from no item") && memcmp(finding->key.data, "t00590", 6) == 0;
    }
    assert_int_equal(missing, 1);
    assert_int_equal(other, 2);
    assert_int_equal(too_many, 1);
    tercet__pb__scrub_group__free_unpacked(g, NULL);
    tc_buf_deinit(&f->schema);
}

static void what_is_owed_keeps_it_open(void **state) {
    (void)state;
    struct fixture *f = setup();
    f->groups[1].outbox_count = 1;
    expect(f, NOT_RUN, "cannot say: outbox not empty", 0);
}

static void writes_keep_it_open(void **state) {
    (void)state;
    struct fixture *f = setup();
    f->groups[2].rows[7].hash++;
    f->groups[0].writes = 1;
    expect(f, NOT_RUN, "cannot say: writes go on", 0);
    f = setup();
    f->groups[0].writes = 1; /* equal all the same */
    expect(f, CLEAN, "equal", 0);
}

static void groups_that_are_not_all_there_keep_it_open(void **state) {
    (void)state;
    struct fixture *f = setup();
    f->groups[1].start = "n";
    expect(f, NOT_RUN, "cannot say: its partitions are changing", 0);
    f = setup();
    f->groups[2].leads = false;
    expect(f, NOT_RUN, "cannot say: a group has no leader", 0);
}

int index_tests(void);

int index_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_index_is_clean),
        cmocka_unit_test(rows_that_differ_are_named),
        cmocka_unit_test(what_is_owed_keeps_it_open),
        cmocka_unit_test(writes_keep_it_open),
        cmocka_unit_test(groups_that_are_not_all_there_keep_it_open),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
