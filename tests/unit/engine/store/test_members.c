/* Members that change: learners, replacement, moves; and every refusal on the way. */
#include "cluster.h"

#include "core/quorum/quorum.h"
#include "env/fs.h"

#include <stdio.h>
#include <stdlib.h>

static struct store_options options(void) {
    struct store_options o = store_options_default();
    o.segment_bytes = 4u << 20;
    o.wal_max_bytes = 64u << 20;
    o.checkpoint_ms = 300;
    o.lease_ms = 300;
    o.archive_required = false;
    o.learner_orphan_ms = 4000;
    return o;
}

static struct cluster cluster;

static int setup(void **state) {
    struct store_options o = options();
    cluster_init(&cluster, 11, &o);
    *state = &cluster;
    return 0;
}

static int teardown(void **state) {
    cluster_deinit(*state);
    return 0;
}

/* ---- learners */

struct learner {
    Tercet__Pb__CreateReplicaRequest req;
    Tercet__Pb__Partition partition;
    Tercet__Pb__Member member;
    Tercet__Pb__Member *members[1];
    struct tc_buf config;
    uint8_t uuid[STORE_UUID_BYTES];
    char addr[16];
    char table[8];
};

static void learner_init(struct learner *l, const uint8_t *spare_uuid) {
    struct quorum_config c = {.version = 3, .sets[0] = {.count = 1}};
    memset(l, 0, sizeof *l);
    memset(l->uuid, 9, sizeof l->uuid);
    snprintf(l->addr, sizeof l->addr, "node:0");
    snprintf(l->table, sizeof l->table, "things");
    tercet__pb__member__init(&l->member);
    l->member.rid = 1;
    l->member.addr = l->member.node = l->addr;
    l->member.store_uuid = (ProtobufCBinaryData){.len = sizeof l->uuid, .data = l->uuid};
    l->members[0] = &l->member;
    tercet__pb__partition__init(&l->partition);
    l->partition.gid = GID;
    l->partition.epoch = 3;
    l->partition.members = l->members;
    l->partition.n_members = 1;
    c.sets[0].members[0] = (struct quorum_member){.rid = 1, .role = QUORUM_STORAGE};
    memcpy(c.sets[0].members[0].store, l->uuid, sizeof l->uuid);
    quorum_encode(&c, &l->config);
    tercet__pb__create_replica_request__init(&l->req);
    l->req.partition = &l->partition;
    l->req.table_name = l->table;
    l->req.rid = 40;
    l->req.learner = true;
    l->req.store_uuid =
        (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = (uint8_t *)(uintptr_t)spare_uuid};
    l->req.base_index = 500;
    l->req.base_ballot = 77;
    l->req.base_chain = 99;
    l->req.archived = 510;
    l->req.base_config = (ProtobufCBinaryData){.len = l->config.len, .data = l->config.data};
}

static void expect_state(struct cluster *c, int n, const char *state, uint64_t base) {
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, n);
    assert_int_equal(info->n_replicas, 1);
    assert_string_equal(info->replicas[0]->state, state);
    assert_int_equal(info->replicas[0]->base_index, base);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
}

static void a_learner_that_does_not_fit_is_refused(void **state) {
    struct cluster *c = *state;
    struct store *s = c->nodes[SPARE].store;
    struct learner l;
    learner_init(&l, c->nodes[0].uuid); /* another store is meant */
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    tc_buf_deinit(&l.config);
    learner_init(&l, c->nodes[SPARE].uuid);
    l.req.rid = 1; /* a member's */
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    l.req.rid = QUORUM_RID_MAX;
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    l.req.rid = 40;
    l.req.archived = 499; /* its log would begin above what is archived */
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    l.req.archived = 510;
    l.req.base_config.len--;
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    l.req.base_config.len++;
    l.req.partition = NULL;
    assert_int_equal(store_create_replica(s, &l.req), TC_EINVAL);
    tc_buf_deinit(&l.config);
}

/* A store without groups writes nothing else: it must not go on as if its disk were well. */
static void a_disk_that_takes_no_new_replica_ends_the_store(void **state) {
    struct cluster *c = *state;
    struct node *n = &c->nodes[SPARE];
    struct sim_fault fault = {.kind = SIM_WRITE_ERROR, .path_part = ".desc"};
    struct learner l;
    learner_init(&l, n->uuid);
    assert_int_equal(sim_fs_fault(n->fs, &fault), TC_OK);
    assert_int_equal(store_create_replica(n->store, &l.req), TC_EIO);
    assert_true(store_failed(n->store));
    sim_fs_heal(n->fs);
    cluster_stop(c, SPARE, /* power_loss= */ false);
    cluster_start(c, SPARE);
    assert_int_equal(store_disk(n->store).errors, 1);
    assert_int_equal(store_create_replica(n->store, &l.req), TC_OK);
    tc_buf_deinit(&l.config);
}

static void a_learner_is_durable_and_its_rid_never_comes_back(void **state) {
    struct cluster *c = *state;
    struct learner l;
    Tercet__Pb__DeleteReplicaRequest del = TERCET__PB__DELETE_REPLICA_REQUEST__INIT;
    learner_init(&l, c->nodes[SPARE].uuid);
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_OK);
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_OK); /* a repeat */
    l.req.rid = 41;
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_EEXISTS);
    cluster_stop(c, SPARE, /* power_loss= */ true);
    cluster_start(c, SPARE);
    expect_state(c, SPARE, "log", 500);
    del.gid = GID;
    del.rid = 41;
    assert_int_equal(store_delete_request(c->nodes[SPARE].store, &del), TC_ESTALE);
    del.rid = 40;
    del.store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = c->nodes[0].uuid};
    assert_int_equal(store_delete_request(c->nodes[SPARE].store, &del), TC_ESTALE);
    del.store_uuid.data = c->nodes[SPARE].uuid;
    assert_int_equal(store_delete_request(c->nodes[SPARE].store, &del), TC_OK);
    l.req.rid = 40;
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_EEXISTS);
    l.req.rid = 41;
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_OK);
    tc_buf_deinit(&l.config);
}

/* Silence alone is no reason: a change in some log may need it. A leader's word is one. */
static void a_learner_goes_when_the_leader_does_not_know_it(void **state) {
    struct cluster *c = *state;
    struct learner l;
    size_t led = 0, all = 0;
    learner_init(&l, c->nodes[SPARE].uuid);
    l.partition.epoch = 1;
    assert_int_equal(store_create_replica(c->nodes[SPARE].store, &l.req), TC_OK);
    cluster_tell_directory(c, 1);
    cluster_run(c, 9000);
    expect_state(c, SPARE, "log", 500);
    cluster_create_group(c);
    cluster_run(c, 9000);
    store_replica_counts(c->nodes[SPARE].store, &led, &all);
    assert_int_equal(all, 0);
    tc_buf_deinit(&l.config);
}

/* ---- the directory */

static void the_newest_directory_is_kept(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__Directory d = TERCET__PB__DIRECTORY__INIT;
    Tercet__Pb__DirectoryNode node = TERCET__PB__DIRECTORY_NODE__INIT, *nodes[1] = {&node};
    uint8_t uuid[4] = {0};
    cluster_tell_directory(c, 5);
    d.version = 4;
    assert_int_equal(store_set_directory(c->nodes[0].store, &d), TC_ESTALE);
    d.version = 5;
    assert_int_equal(store_set_directory(c->nodes[0].store, &d), TC_OK);
    d.version = 6;
    d.nodes = nodes;
    d.n_nodes = 1;
    node.store_uuid = (ProtobufCBinaryData){.len = sizeof uuid, .data = uuid};
    assert_int_equal(store_set_directory(c->nodes[0].store, &d), TC_EINVAL);
    cluster_stop(c, 0, /* power_loss= */ true);
    cluster_start(c, 0);
    d.version = 4;
    d.n_nodes = 0;
    assert_int_equal(store_set_directory(c->nodes[0].store, &d), TC_ESTALE);
}

static void a_damaged_directory_is_forgotten(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__Directory d = TERCET__PB__DIRECTORY__INIT;
    cluster_tell_directory(c, 5);
    cluster_stop(c, 0, /* power_loss= */ false);
    assert_int_equal(sim_fs_flip(c->nodes[0].fs, "d/directory", 20, 3), TC_OK);
    cluster_start(c, 0);
    d.version = 1;
    assert_int_equal(store_set_directory(c->nodes[0].store, &d), TC_OK);
}

/* ---- changes */

static Tercet__Pb__ReplicaInfo *info_of(Tercet__Pb__NodeInfoReply *info) {
    assert_int_equal(info->n_replicas, 1);
    return info->replicas[0];
}

static Tercet__Pb__DirectoryNode spare_node(struct cluster *c) {
    static char addr[] = "node:3", zone[] = "d";
    Tercet__Pb__DirectoryNode n = TERCET__PB__DIRECTORY_NODE__INIT;
    n.node = n.addr = addr;
    n.zone = zone;
    n.store_uuid = (ProtobufCBinaryData){.len = STORE_UUID_BYTES, .data = c->nodes[SPARE].uuid};
    return n;
}

static tc_err change(struct cluster *c, int n, uint64_t gid, uint32_t remove_rid,
                     Tercet__Pb__DirectoryNode *add, Tercet__Pb__ChangeReplicaReply **ret) {
    Tercet__Pb__ChangeReplicaRequest req = TERCET__PB__CHANGE_REPLICA_REQUEST__INIT;
    struct tc_buf out = {0};
    req.gid = gid;
    req.remove_rid = remove_rid;
    req.add = add;
    tc_err err = store_change_replica(c->nodes[n].store, &req, &out);
    if (ret)
        *ret = tercet__pb__change_replica_reply__unpack(NULL, out.len, out.data);
    tc_buf_deinit(&out);
    return err;
}

static void changes_that_cannot_be_are_refused(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__ChangeReplicaReply *reply = NULL;
    cluster_create_group(c);
    int leader = cluster_wait_leader(c), other = (leader + 1) % NODES;
    Tercet__Pb__DirectoryNode spare = spare_node(c), bad = spare;
    cluster_tell_directory(c, 1);
    assert_int_equal(change(c, leader, GID, 1, NULL, NULL), TC_EINVAL);
    bad.store_uuid.len = 3;
    assert_int_equal(change(c, leader, GID, 1, &bad, NULL), TC_EINVAL);
    assert_int_equal(change(c, leader, 12345, 1, &spare, NULL), TC_ENOTFOUND);
    assert_int_equal(change(c, leader, GID, 9, &spare, NULL), TC_ENOTFOUND);
    assert_int_equal(change(c, other, GID, 1, &spare, &reply), TC_ENOTLEADER);
    assert_non_null(reply->moved);
    assert_int_equal(reply->moved->leader_rid, leader + 1);
    tercet__pb__change_replica_reply__free_unpacked(reply, NULL);
    /* One change at a time: the same again is told how far it is, another one must wait. */
    assert_int_equal(change(c, leader, GID, (uint32_t)other + 1, &spare, &reply), TC_OK);
    assert_int_equal(reply->state, TERCET__PB__CHANGE_STATE__CHANGE_LEARNING);
    tercet__pb__change_replica_reply__free_unpacked(reply, NULL);
    assert_int_equal(change(c, leader, GID, (uint32_t)other + 1, &spare, NULL), TC_OK);
    uint8_t uuid[STORE_UUID_BYTES] = {1};
    bad = spare;
    bad.store_uuid.data = uuid;
    assert_int_equal(change(c, leader, GID, (uint32_t)leader + 1, &bad, NULL), TC_EBUSY);
}

static void heals_and_transfers_that_cannot_be_are_refused(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__HealReplicaRequest heal = TERCET__PB__HEAL_REPLICA_REQUEST__INIT;
    Tercet__Pb__TransferRequest transfer = TERCET__PB__TRANSFER_REQUEST__INIT;
    struct tc_buf out = {0};
    cluster_create_group(c);
    int leader = cluster_wait_leader(c), other = (leader + 1) % NODES;
    heal.gid = transfer.gid = GID;
    heal.rid = transfer.rid = 9;
    assert_int_equal(store_heal_replica(c->nodes[leader].store, &heal, &out), TC_ENOTFOUND);
    assert_int_equal(store_transfer(c->nodes[leader].store, &transfer, &out), TC_EINVAL);
    assert_int_equal(out.len, 0);
    heal.rid = transfer.rid = (uint32_t)leader + 1;
    assert_int_equal(store_transfer(c->nodes[leader].store, &transfer, &out), TC_EINVAL);
    assert_int_equal(store_transfer(c->nodes[other].store, &transfer, &out), TC_ENOTLEADER);
    assert_int_equal(store_heal_replica(c->nodes[other].store, &heal, &out), TC_ENOTLEADER);
    tc_buf_clear(&out);
    assert_int_equal(store_heal_replica(c->nodes[leader].store, &heal, &out), TC_OK); /* whole */
    heal.gid = transfer.gid = 12345;
    assert_int_equal(store_heal_replica(c->nodes[leader].store, &heal, &out), TC_ENOTFOUND);
    assert_int_equal(store_transfer(c->nodes[leader].store, &transfer, &out), TC_ENOTFOUND);
    tc_buf_deinit(&out);
}

static void leadership_goes_to_whom_it_is_given(void **state) {
    struct cluster *c = *state;
    Tercet__Pb__TransferRequest transfer = TERCET__PB__TRANSFER_REQUEST__INIT;
    struct tc_buf out = {0};
    cluster_create_group(c);
    int leader = cluster_wait_leader(c), other = (leader + 2) % NODES;
    cluster_put(c, 1, "x");
    transfer.gid = GID;
    transfer.rid = (uint32_t)other + 1;
    assert_int_equal(store_transfer(c->nodes[leader].store, &transfer, &out), TC_OK);
    cluster_run(c, 50); /* no lease is waited for */
    size_t led = 0, all = 0;
    store_replica_counts(c->nodes[other].store, &led, &all);
    assert_int_equal(led, 1);
    tc_buf_deinit(&out);
}

/* The role that the leader's partition gives the member on the spare store; -1: none. */
static int spare_role(struct cluster *c, int leader) {
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, leader);
    const Tercet__Pb__Partition *p = info_of(info)->partition;
    int role = -1;
    for (size_t i = 0; i < p->n_members; i++)
        if (memcmp(p->members[i]->store_uuid.data, c->nodes[SPARE].uuid, STORE_UUID_BYTES) == 0)
            role = (int)p->members[i]->role;
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    return role;
}

static uint64_t run_until_role(struct cluster *c, int leader, int role, uint64_t ms_max) {
    uint64_t ms = 0;
    for (; spare_role(c, leader) != role && ms < ms_max; ms += 10)
        cluster_run(c, 10);
    assert_int_equal(spare_role(c, leader), role);
    return ms;
}

static void a_lost_member_is_replaced_and_healed(void **state) {
    struct cluster *c = *state;
    cluster_create_group(c);
    int leader = cluster_wait_leader(c), lost = (leader + 1) % NODES;
    for (int i = 0; i < 200; i++)
        cluster_put(c, i, "before");
    cluster_tell_directory(c, 1);
    c->epoch = 0;
    cluster_stop(c, lost, /* power_loss= */ true);
    uint64_t ms = run_until_role(c, leader, 1, 5000);
    assert_true(ms >= c->options.dead_ms);
    cluster_put(c, 5, "between");
    run_until_role(c, leader, 0, 5000);
    assert_string_equal(cluster_get(c, 5), "between");
    assert_string_equal(cluster_get(c, 6), "before");
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, leader);
    const Tercet__Pb__Partition *p = info_of(info)->partition;
    assert_int_equal(p->n_members, NODES);
    assert_true(p->epoch > 1); /* routers that know an older one are corrected */
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    cluster_start(c, lost); /* it learns that it was removed */
    cluster_run(c, 8000);
    size_t led = 0, all = 0;
    store_replica_counts(c->nodes[lost].store, &led, &all);
    assert_int_equal(all, 0);
}

static void who_answers_in_time_is_not_replaced(void **state) {
    struct cluster *c = *state;
    cluster_create_group(c);
    int leader = cluster_wait_leader(c), slow = (leader + 1) % NODES;
    cluster_tell_directory(c, 1);
    cluster_stop(c, slow, /* power_loss= */ false);
    cluster_run(c, c->options.dead_ms - 600);
    cluster_start(c, slow);
    cluster_run(c, 3000);
    assert_int_equal(spare_role(c, cluster_wait_leader(c)), -1);
    size_t led = 0, all = 0;
    store_replica_counts(c->nodes[SPARE].store, &led, &all);
    assert_int_equal(all, 0);
}

static void without_a_directory_nobody_is_replaced(void **state) {
    struct cluster *c = *state;
    cluster_create_group(c);
    int leader = cluster_wait_leader(c);
    cluster_stop(c, (leader + 1) % NODES, /* power_loss= */ false);
    cluster_run(c, 6000);
    assert_int_equal(spare_role(c, leader), -1);
    struct store_heal_counts counts;
    store_heal_counts(c->nodes[leader].store, &counts);
    assert_int_equal(counts.short_groups, 1);
    assert_int_equal(counts.running, 0);
}

/* A log replica that was away while the others trimmed: its log begins anew at the leader's base,
 * and it is healed from there. */
static void a_log_replica_left_behind_begins_anew(void **state) {
    struct cluster *c = *state;
    c->options.dead_ms = 0;
    for (int i = 0; i < ALL_NODES; i++) {
        cluster_stop(c, i, /* power_loss= */ false);
        cluster_start(c, i);
    }
    cluster_create_group(c);
    int leader = cluster_wait_leader(c);
    Tercet__Pb__DirectoryNode spare = spare_node(c);
    cluster_tell_directory(c, 1);
    c->epoch = 0;
    cluster_put(c, 1, "x");
    assert_int_equal(change(c, leader, GID, (uint32_t)((leader + 1) % NODES) + 1, &spare, NULL),
                     TC_OK);
    run_until_role(c, leader, 1, 3000);
    cluster_stop(c, SPARE, /* power_loss= */ true);
    for (int i = 0; i < 400; i++)
        cluster_put(c, i, "while it is away");
    cluster_run(c, 33000); /* no id can be repeated any more, and the log is trimmed */
    for (int i = 0; i < 20; i++)
        cluster_put(c, i, "after");
    cluster_run(c, 1000);
    Tercet__Pb__NodeInfoReply *info = cluster_info(c, leader);
    uint64_t base = info_of(info)->base_index;
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    assert_true(base > 300);
    cluster_start(c, SPARE);
    run_until_role(c, leader, 0, 9000);
    info = cluster_info(c, SPARE);
    assert_true(info_of(info)->base_index >= base);
    assert_int_equal(info_of(info)->item_count, 400);
    tercet__pb__node_info_reply__free_unpacked(info, NULL);
    assert_string_equal(cluster_get(c, 5), "after");
}

/* The newcomer's log begins above the leader's checkpoint: a group that is at rest takes a new one
 * for it, and does not wait until one is due by age. */
static void a_group_at_rest_moves_at_once(void **state) {
    struct cluster *c = *state;
    cluster_create_group(c);
    (void)cluster_wait_leader(c);
    for (int i = 0; i < 50; i++)
        cluster_put(c, i, "in the checkpoint");
    cluster_run(c, 1000);
    c->options.checkpoint_ms = 3600 * 1000;
    for (int i = 0; i < ALL_NODES; i++) {
        cluster_stop(c, i, /* power_loss= */ false);
        cluster_start(c, i);
    }
    cluster_put(c, 1, "beyond it");
    cluster_run(c, 33000); /* no id can be repeated any more */
    int leader = cluster_wait_leader(c);
    Tercet__Pb__DirectoryNode spare = spare_node(c);
    cluster_tell_directory(c, 1);
    c->epoch = 0;
    assert_int_equal(change(c, leader, GID, (uint32_t)((leader + 1) % NODES) + 1, &spare, NULL),
                     TC_OK);
    run_until_role(c, leader, 1, 3000);
    run_until_role(c, leader, 0, 3000);
    assert_string_equal(cluster_get(c, 1), "beyond it");
}

/* The leader itself moves away: the group goes on under another one, and the new one is whole. */
static void a_leader_moves_away(void **state) {
    struct cluster *c = *state;
    cluster_create_group(c);
    int leader = cluster_wait_leader(c);
    for (int i = 0; i < 50; i++)
        cluster_put(c, i, "v");
    Tercet__Pb__DirectoryNode spare = spare_node(c);
    cluster_tell_directory(c, 1);
    assert_int_equal(change(c, leader, GID, (uint32_t)leader + 1, &spare, NULL), TC_OK);
    cluster_run(c, 4000);
    size_t led = 0, all = 0;
    store_replica_counts(c->nodes[leader].store, &led, &all);
    assert_int_equal(all, 0);
    int now = -1;
    for (int i = 0; i < ALL_NODES; i++) {
        store_replica_counts(c->nodes[i].store, &led, &all);
        now = led == 1 ? i : now;
    }
    assert_true(now >= 0);
    run_until_role(c, now, 0, 4000);
    Tercet__Pb__ChangeReplicaReply *reply = NULL;
    assert_int_equal(change(c, now, GID, (uint32_t)leader + 1, &spare, &reply), TC_OK);
    assert_int_equal(reply->state, TERCET__PB__CHANGE_STATE__CHANGE_DONE);
    tercet__pb__change_replica_reply__free_unpacked(reply, NULL);
}

int member_tests(void);

int member_tests(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_learner_that_does_not_fit_is_refused),
        T(a_disk_that_takes_no_new_replica_ends_the_store),
        T(a_learner_is_durable_and_its_rid_never_comes_back),
        T(a_learner_goes_when_the_leader_does_not_know_it),
        T(the_newest_directory_is_kept),
        T(a_damaged_directory_is_forgotten),
        T(changes_that_cannot_be_are_refused),
        T(heals_and_transfers_that_cannot_be_are_refused),
        T(leadership_goes_to_whom_it_is_given),
        T(a_lost_member_is_replaced_and_healed),
        T(who_answers_in_time_is_not_replaced),
        T(without_a_directory_nobody_is_replaced),
        T(a_log_replica_left_behind_begins_anew),
        T(a_group_at_rest_moves_at_once),
        T(a_leader_moves_away),
    };
    return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
