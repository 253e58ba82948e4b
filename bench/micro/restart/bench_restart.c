/* How long a storage node with a long log is away: the time of store_open, and the time after it
 * until every group serves and has applied its log again. One node, groups of one replica.
 *
 * Usage: micro_restart DIR [MEGABYTES_OF_LOG] [GROUPS]. DIR must be empty; its disk decides much.
 */
#include "base/assert.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "engine/store/store.h"
#include "env/posix/posix.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

enum {
    VALUE_BYTES = 1000,
    ROUND_COUNT = 256, /* requests between two log batches */
};

struct bench {
    struct posix_fs fs;
    struct posix_clock clock;
    struct store_env env;
    struct store *store;
    uint64_t groups;
    uint64_t log_cache_bytes;
    uint64_t next;
};

static uint64_t random_bits(void *user) {
    uint64_t bits = 0;
    (void)user;
    TC_ASSERT(getrandom(&bits, sizeof bits, 0) == sizeof bits);
    return bits;
}

static double seconds(const struct bench *b) {
    return (double)tc_clock_mono_ns(b->env.clock) / 1e9;
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void must(tc_err err, const char *what) {
    if (err == TC_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, tc_err_name(err));
    exit(1);
}

static void open_store(struct bench *b, const char *dir) {
    struct store_options o = store_options_default();
    struct tc_buf diag = {0};
    o.wal_cache_bytes = b->log_cache_bytes;
    o.node = "bench";
    o.zone = "a";
    o.addr = "nowhere:1";
    must(store_open(&b->env, dir, &o, &diag, &b->store), "open");
}

static void create_group(struct bench *b, uint64_t gid) {
    struct tc_buf info = {0};
    char text[] = "bench", zone[] = "a", addr[] = "nowhere:1";
    store_node_info(b->store, 0, &info);
    Tercet__Pb__NodeInfoReply *me = tercet__pb__node_info_reply__unpack(NULL, info.len, info.data);
    Tercet__Pb__Member member = TERCET__PB__MEMBER__INIT, *members[1] = {&member};
    Tercet__Pb__Partition p = TERCET__PB__PARTITION__INIT;
    Tercet__Pb__CreateReplicaRequest req = TERCET__PB__CREATE_REPLICA_REQUEST__INIT;
    TC_ASSERT(me != NULL);
    member.rid = req.rid = 1;
    member.node = req.table_name = text;
    member.zone = zone;
    member.addr = addr;
    member.store_uuid = me->store_uuid;
    p.gid = gid;
    p.table_id = 5;
    p.epoch = 1;
    p.members = members;
    p.n_members = 1;
    req.partition = &p;
    must(store_create_replica(b->store, &req), "create");
    tercet__pb__node_info_reply__free_unpacked(me, NULL);
    tc_buf_deinit(&info);
}

/* What the daemon's threads do, one after the other. */
static void step(struct bench *b) {
    struct store_effect *e;
    store_tick(b->store);
    for (struct store_batch *w = store_batch_take(b->store); w; w = store_batch_take(b->store))
        must(store_batch_done(b->store, w, store_batch_write(w)), "log");
    while ((e = store_effect_next(b->store)) != NULL)
        store_effect_free(e);
    for (struct store_job *j = store_job_take(b->store); j; j = store_job_take(b->store)) {
        store_job_run(j);
        store_job_done(b->store, j);
    }
}

static bool all_serve(const struct bench *b) {
    size_t led = 0, all = 0;
    store_replica_counts(b->store, &led, &all);
    return led == b->groups && !store_behind(b->store);
}

static double serve_again(struct bench *b) {
    struct timespec pause = {.tv_nsec = 1000000};
    double from = seconds(b);
    while (!all_serve(b)) {
        step(b);
        if (!store_behind(b->store))
            (void)nanosleep(&pause, NULL);
    }
    return seconds(b) - from;
}

static void put(struct bench *b, const struct tc_buf *item) {
    struct tc_buf key = {0}, value = {0};
    uint64_t n = b->next++;
    uint64_t id[2] = {n, 1};
    item_put_binary(&value, tc_slice(&n, sizeof n));
    key_append_hash(&key, item_value_at(tc_buf_slice(&value)));
    Tercet__Pb__ItemRequest req = TERCET__PB__ITEM_REQUEST__INIT;
    req.gid = 100 + n % b->groups;
    req.op = TERCET__PB__ITEM_OP__ITEM_PUT;
    req.key = (ProtobufCBinaryData){.len = key.len, .data = key.data};
    req.item = (ProtobufCBinaryData){.len = item->len, .data = item->data};
    req.request_id = (ProtobufCBinaryData){.len = sizeof id, .data = (uint8_t *)id};
    store_item_request(b->store, n, &req);
    tc_buf_deinit(&key);
    tc_buf_deinit(&value);
}

static void load(struct bench *b, uint64_t bytes) {
    struct tc_buf item = {0}, value = {0}, text = {0};
    memset(tc_buf_extend(&text, VALUE_BYTES), 'x', VALUE_BYTES);
    item_put_string(&value, tc_buf_slice(&text));
    struct item_builder builder = {0};
    item_builder_add(&builder, tc_slice_str("a"), tc_buf_slice(&value));
    must(item_builder_finish(&builder, &item), "item");
    for (uint64_t done = 0; done < bytes; done += (uint64_t)ROUND_COUNT * VALUE_BYTES) {
        for (int i = 0; i < ROUND_COUNT; i++)
            put(b, &item);
        step(b);
    }
    item_builder_deinit(&builder);
    tc_buf_deinit(&item);
    tc_buf_deinit(&value);
    tc_buf_deinit(&text);
}

int main(int argc, char **argv) {
    static struct bench b;
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR [MEGABYTES_OF_LOG] [GROUPS] [MEGABYTES_OF_LOG_CACHE]\n",
                argv[0]);
        return 2;
    }
    uint64_t megabytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 900;
    b.groups = argc > 3 ? strtoull(argv[3], NULL, 10) : 12;
    b.log_cache_bytes = (argc > 4 ? strtoull(argv[4], NULL, 10) : 64) << 20;
    posix_fs_init(&b.fs);
    posix_clock_init(&b.clock);
    b.env = (struct store_env){
        .fs = &b.fs.fs, .clock = &b.clock.clock, .random = random_bits, .user = &b};
    open_store(&b, argv[1]);
    for (uint64_t i = 0; i < b.groups; i++)
        create_group(&b, 100 + i);
    (void)serve_again(&b);
    load(&b, megabytes << 20);
    (void)serve_again(&b);
    uint64_t writes = store_counters(b.store)->writes;
    store_close(b.store);
    double from = seconds(&b), cpu = cpu_seconds();
    open_store(&b, argv[1]);
    double opened = seconds(&b) - from, opened_cpu = cpu_seconds() - cpu;
    double served = serve_again(&b);
    double served_cpu = cpu_seconds() - cpu - opened_cpu;
    printf("%llu MB of log, %llu writes in %llu groups: open %.2f s (%.2f CPU), then all serve "
           "after %.2f s (%.2f CPU; boot quarantine of a lease included)\n",
           (unsigned long long)megabytes, (unsigned long long)writes, (unsigned long long)b.groups,
           opened, opened_cpu, served, served_cpu);
    store_close(b.store);
    return 0;
}
