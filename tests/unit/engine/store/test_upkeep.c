/* The log's life: archived, trimmed, full, rotten. */
#include "cluster.h"

#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT TERCET__PB__ITEM_OP__ITEM_PUT

/* An archiver in memory: checks every offer against what it has. */
struct archive {
    uint64_t archived;
    uint64_t chain;
    uint64_t entries;
    uint64_t verified;
    uint64_t verify_first, verify_last, verify_after; /* a range to be compared, by all */
    bool down;
};

static void take_entries(struct archive *a, const Tercet__Pb__SegmentOffer *o) {
    assert_int_equal(o->n_entries, o->last - o->first + 1);
    assert_int_equal(o->first, a->archived + 1);
    assert_int_equal(o->chain_before, a->chain);
    for (size_t i = 0; i < o->n_entries; i++) {
        assert_int_equal(o->entries[i]->index, o->first + i);
        assert_int_equal(o->entries[i]->body.len, o->entries[i]->body_len);
    }
    assert_int_equal(o->chain_after, o->entries[o->n_entries - 1]->chain);
    a->verify_first = o->first;
    a->verify_last = o->last;
    a->verify_after = o->chain_after;
    a->archived = o->last;
    a->chain = o->chain_after;
    a->entries += o->n_entries;
}

static void archive_offer(struct cluster *c, struct archive *a, int n, const struct tc_buf *packed,
                          uint64_t gid) {
    Tercet__Pb__SegmentOffer *o =
        tercet__pb__segment_offer__unpack(NULL, packed->len, packed->data);
    assert_non_null(o);
    if (o->n_entries > 0 && o->first == a->archived + 1)
        take_entries(a, o);
    if (o->first > 0 && o->n_entries == 0 && o->last == a->verify_last) {
        assert_int_equal(o->chain_after, a->verify_after);
        a->verified++;
    }
    Tercet__Pb__SegmentReply reply = TERCET__PB__SEGMENT_REPLY__INIT;
    Tercet__Pb__SegmentRange range = TERCET__PB__SEGMENT_RANGE__INIT, *ranges[1] = {&range};
    reply.archived = a->archived;
    reply.archived_chain = a->chain;
    range.first = a->verify_first;
    range.last = a->verify_last;
    if (a->verify_first && o->first == 0) {
        reply.verify = ranges;
        reply.n_verify = 1;
    }
    store_archived(c->nodes[n].store, gid, &reply);
    tercet__pb__segment_offer__free_unpacked(o, NULL);
}

static void archive_run(struct cluster *c, struct archive *a, uint64_t ms) {
    for (uint64_t t = 0; t < ms; t += 10) {
        cluster_run(c, 10);
        for (int n = 0; n < NODES; n++) {
            struct tc_buf packed = {0};
            uint64_t gid = 0;
            if (c->nodes[n].store == NULL ||
                store_segment_next(c->nodes[n].store, &packed, &gid) != TC_OK)
                continue;
            if (a->down)
                store_archive_lost(c->nodes[n].store, gid);
            else
                archive_offer(c, a, n, &packed, gid);
            tc_buf_deinit(&packed);
        }
    }
}

static void start(struct cluster *c, uint64_t seed) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 32u << 20;
    o.cache_bytes = 4u << 20;
    o.checkpoint_ms = 300;
    o.segment_age_ms = 200;
    cluster_init(c, seed, &o);
    cluster_create_group(c);
    cluster_wait_leader(c);
}

static Tercet__Pb__ReplicaInfo replica(struct cluster *c, int n) {
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
    Tercet__Pb__ReplicaInfo r = *info->replicas[0];
    r.partition = NULL;
    r.state = NULL;
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return r;
}

static void the_log_is_archived_compared_and_trimmed(void **state) {
    (void)state;
    static struct cluster c;
    struct archive a = {0};
    start(&c, 21);
    for (int i = 0; i < 400; i++) {
        cluster_put(&c, i % 50, "value");
        archive_run(&c, &a, 10);
    }
    archive_run(&c, &a, 12000);
    assert_int_equal(a.archived, replica(&c, 0).commit);
    assert_int_equal(a.entries, a.archived);
    assert_true(a.verified >= 2); /* the followers' copies were compared */
    for (int n = 0; n < NODES; n++)
        assert_int_equal(replica(&c, n).base_index, 0); /* ids may still be repeated */
    archive_run(&c, &a, 30000);
    for (int n = 0; n < NODES; n++) {
        Tercet__Pb__ReplicaInfo r = replica(&c, n);
        assert_true(r.base_index > 200 && r.base_index <= r.checkpoint);
    }
    cluster_deinit(&c);
}

/* Gets a copy, and is cut off before the log behind it comes: it has everything, and a log that
 * ends below its leader's by the time it is back. */
static void cut_off_behind_its_copy(struct cluster *c, struct archive *a, int victim) {
    c->nodes[victim].cut = true;
    for (int i = 0; i < 400; i++)
        cluster_put(c, i % 50, "value");
    archive_run(c, a, 45000);
    for (int i = 0; i < 300; i++)
        cluster_put(c, i % 50, "younger than a repeated request");
    archive_run(c, a, 2000);
    c->nodes[victim].cut = false;
    const struct store_counters *seen = store_counters(c->nodes[victim].store);
    for (int i = 0; i < 20000 && seen->snapshots_installed == 0; i++)
        cluster_run(c, 1);
    c->nodes[victim].cut = true;
    assert_int_equal(seen->snapshots_installed, 1);
    archive_run(c, a, 45000);
}

static void a_log_that_ends_below_the_leaders_begins_anew_under_its_tree(void **state) {
    (void)state;
    static struct cluster c;
    struct archive a = {0};
    start(&c, 26);
    int leader = cluster_leader(&c), victim = (leader + 1) % NODES;
    cut_off_behind_its_copy(&c, &a, victim);
    Tercet__Pb__ReplicaInfo led = replica(&c, leader), behind = replica(&c, victim);
    assert_true(behind.base_index < led.base_index && behind.applied >= led.base_index);
    c.nodes[victim].cut = false;
    archive_run(&c, &a, 3000);
    assert_true(replica(&c, victim).base_index >= led.base_index);
    assert_int_equal(store_counters(c.nodes[victim].store)->snapshots_installed, 1);
    cluster_put(&c, 3, "goes on");
    cluster_assert_equal(&c);
    cluster_stop(&c, victim, /* power_loss= */ true);
    cluster_start(&c, victim);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

static void without_an_archive_nothing_is_trimmed_and_writes_stop_in_time(void **state) {
    (void)state;
    static struct cluster c;
    static char big[200 * 1024];
    struct archive a = {.down = true};
    memset(big, 'x', sizeof big - 1);
    start(&c, 22);
    struct op put = {.op = PUT, .value = big};
    tc_err err = TC_OK;
    int done = 0;
    for (; done < 400 && err == TC_OK; done++) {
        put.key = done % 10;
        err = cluster_do(&c, cluster_leader(&c), &put);
        archive_run(&c, &a, 20);
    }
    assert_int_equal(err, TC_EFULL);
    assert_true(done > 60);
    archive_run(&c, &a, 40000);
    assert_int_equal(replica(&c, 0).base_index, 0);
    assert_int_equal(cluster_do(&c, cluster_leader(&c), &put), TC_EFULL);
    a.down = false; /* the archiver is back: space follows */
    archive_run(&c, &a, 40000);
    assert_int_equal(cluster_do(&c, cluster_leader(&c), &put), TC_OK);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

/* Flip a bit of the first copy of text in a node's log; the node is down. */
static bool rot_text(struct node *n, const char *path, const char *text) {
    struct tc_file *f = NULL;
    uint64_t size = 0;
    if (tc_fs_open(sim_fs_fs(n->fs), path, TC_FS_READ_ONLY, &f) != TC_OK)
        return false;
    assert_int_equal(tc_file_size(f, &size), TC_OK);
    uint8_t *data = malloc(size);
    assert_int_equal(tc_file_read_at(f, 0, data, size), TC_OK);
    tc_file_close(f);
    const uint8_t *at = memmem(data, size, text, strlen(text));
    bool found = at != NULL;
    if (found)
        assert_int_equal(sim_fs_flip(n->fs, path, (uint64_t)(at - data), 2), TC_OK);
    free(data);
    return found;
}

static void rotten_entries_are_fetched_from_the_others(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 23);
    c.options.checkpoint_ms = 600000;
    for (int i = 0; i < 30; i++) {
        char value[32];
        snprintf(value, sizeof value, "value-%04d-here", i);
        cluster_put(&c, i, value);
    }
    int victim = (cluster_leader(&c) + 1) % NODES;
    cluster_stop(&c, victim, false);
    assert_true(rot_text(&c.nodes[victim], "d/wal/seg-0000", "value-0007-here"));
    assert_true(rot_text(&c.nodes[victim], "d/wal/seg-0000", "value-0019-here"));
    cluster_start(&c, victim);
    cluster_put(&c, 100, "after");
    cluster_run(&c, 5000);
    assert_int_equal(store_counters(c.nodes[victim].store)->snapshots_installed, 0);
    cluster_assert_equal(&c);
    cluster_stop(&c, victim, true); /* the repair is durable */
    cluster_start(&c, victim);
    cluster_assert_equal(&c);
    cluster_deinit(&c);
}

static void a_deleted_replica_does_not_come_back_under_its_rid(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 24);
    cluster_put(&c, 1, "value");
    Tercet__Pb__NodeInfoReply *info = cluster_info(&c, 0);
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    char table[] = "things";
    req.partition = info->replicas[0]->partition;
    req.rid = 1;
    req.table_name = table;
    tc_err err = store_delete_replica(c.nodes[0].store, GID);
    for (int i = 0; i < 100 && err == TC_EBUSY; i++) {
        cluster_run(&c, 10);
        err = store_delete_replica(c.nodes[0].store, GID);
    }
    assert_int_equal(err, TC_OK);
    assert_int_equal(store_delete_replica(c.nodes[0].store, GID), TC_ENOTFOUND);
    assert_int_equal(store_create_replica(c.nodes[0].store, &req), TC_EEXISTS);
    cluster_run(&c, 100);
    cluster_stop(&c, 0, true);
    cluster_start(&c, 0);
    assert_int_equal(store_create_replica(c.nodes[0].store, &req), TC_EEXISTS);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    cluster_put(&c, 2, "two of three go on");
    cluster_deinit(&c);
}

static void a_scrub_compares_equal_copies_equal(void **state) {
    (void)state;
    static struct cluster c;
    start(&c, 25);
    for (int i = 0; i < 40; i++)
        cluster_put(&c, i, "value");
    uint64_t token = ++c.next_token, sums[NODES][512];
    store_scrub_mark(c.nodes[cluster_leader(&c)].store, token, GID);
    const struct reply *r = cluster_wait(&c, token);
    assert_int_equal(r->err, TC_OK);
    Tercet__Pb__ScrubMarkReply *mark =
        tercet__pb__scrub_mark_reply__unpack(NULL, r->payload.len, r->payload.data);
    cluster_put(&c, 1, "later writes do not matter");
    cluster_run(&c, 1000);
    for (int n = 0; n < NODES; n++) {
        struct tc_buf out = {0};
        assert_int_equal(store_scrub_vector(c.nodes[n].store, GID, mark->index, &out), TC_OK);
        Tercet__Pb__ScrubVectorReply *v =
            tercet__pb__scrub_vector_reply__unpack(NULL, out.len, out.data);
        assert_int_equal(v->n_sums, 512);
        assert_int_equal(v->item_count, 40);
        memcpy(sums[n], v->sums, sizeof sums[n]);
        assert_memory_equal(sums[n], sums[0], sizeof sums[0]);
        tercet__pb__scrub_vector_reply__free_unpacked(v, NULL);
        tc_buf_deinit(&out);
        assert_int_equal(store_scrub_vector(c.nodes[n].store, GID, mark->index + 100, &out),
                         TC_EBUSY);
        assert_int_equal(store_scrub_vector(c.nodes[n].store, GID, 1, &out), TC_ENOTFOUND);
    }
    tercet__pb__scrub_mark_reply__free_unpacked(mark, NULL);
    token = ++c.next_token;
    store_scrub_pages(c.nodes[0].store, token, GID);
    assert_int_equal(cluster_wait(&c, token)->err, TC_OK);
    cluster_deinit(&c);
}

int upkeep_tests(void);

int upkeep_tests(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_is_archived_compared_and_trimmed),
        cmocka_unit_test(a_log_that_ends_below_the_leaders_begins_anew_under_its_tree),
        cmocka_unit_test(without_an_archive_nothing_is_trimmed_and_writes_stop_in_time),
        cmocka_unit_test(rotten_entries_are_fetched_from_the_others),
        cmocka_unit_test(a_deleted_replica_does_not_come_back_under_its_rid),
        cmocka_unit_test(a_scrub_compares_equal_copies_equal),
    };
    return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
