/* B-tree against LMDB: random put, overwrite, get and scan, CPU microseconds per operation and the
 * ratio. Usage: micro_btree [items, default 200000] [directory, default .]
 *
 * LMDB runs with MDB_NOSYNC and a commit every 100 puts, its fastest mode that keeps a WAL's
 * promise possible; the tree takes a checkpoint (with syncs) after every eighth of the puts,
 * inline, so its figure contains all background work too. */
#include "base/assert.h"
#include "base/hash.h"
#include "base/prng.h"
#include "engine/btree/btree.h"
#include "env/posix/posix.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    VALUE_BYTES = 1024,
    COMMIT_EVERY = 100,
    CHECKPOINT_EVERY = 100000,
    RUNS = 3,
};

struct store {
    struct btree *tree;
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn;
    uint64_t pending;
};

static void must(int rc) {
    if (rc != 0) {
        fprintf(stderr, "lmdb: %s\n", mdb_strerror(rc));
        exit(1);
    }
}

static double cpu_us(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Keys of 16 to 64 bytes, a hash first, as storage keys are. */
static struct tc_slice make_key(uint64_t n, uint8_t bytes[64]) {
    uint64_t h = tc_hash64(tc_slice(&n, sizeof n), 1);
    memset(bytes, (int)(n & 63), 64);
    memcpy(bytes, &h, 8);
    memcpy(bytes + 8, &n, 8);
    return tc_slice(bytes, 16 + h % 49);
}

static void lmdb_put(struct store *s, struct tc_slice key, const uint8_t *value) {
    if (!s->txn)
        must(mdb_txn_begin(s->env, NULL, 0, &s->txn));
    MDB_val k = {key.len, (void *)(uintptr_t)key.data};
    MDB_val v = {VALUE_BYTES, (void *)(uintptr_t)value};
    must(mdb_put(s->txn, s->dbi, &k, &v, 0));
    if (++s->pending % COMMIT_EVERY == 0) {
        must(mdb_txn_commit(s->txn));
        s->txn = NULL;
    }
}

static void tree_put(struct store *s, struct tc_slice key, const uint8_t *value) {
    TC_ASSERT(btree_put(s->tree, key, tc_slice(value, VALUE_BYTES)) == TC_OK);
    if (++s->pending % CHECKPOINT_EVERY == 0)
        TC_ASSERT(btree_checkpoint(s->tree, &(struct btree_stamp){.index = 1}) == TC_OK);
}

static double run_put(struct store *s, uint64_t items, uint64_t seed) {
    uint8_t bytes[64], value[VALUE_BYTES];
    memset(value, (int)seed, sizeof value);
    struct tc_prng rng = tc_prng(seed);
    double start = cpu_us();
    for (uint64_t i = 0; i < items; i++) {
        uint64_t n = seed == 1 ? i : tc_prng_below(&rng, items);
        struct tc_slice key = make_key(n, bytes);
        memcpy(value, &n, sizeof n);
        if (s->tree)
            tree_put(s, key, value);
        else
            lmdb_put(s, key, value);
    }
    if (s->txn)
        must(mdb_txn_commit(s->txn));
    s->txn = NULL;
    return (cpu_us() - start) / (double)items;
}

static double run_get(struct store *s, uint64_t items) {
    uint8_t bytes[64];
    struct tc_prng rng = tc_prng(5);
    uint64_t check = 0;
    double start = cpu_us();
    if (s->env)
        must(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->txn));
    for (uint64_t i = 0; i < items; i++) {
        struct tc_slice key = make_key(tc_prng_below(&rng, items), bytes), value;
        if (s->tree) {
            TC_ASSERT(btree_get(s->tree, key, &value) == TC_OK);
        } else {
            MDB_val k = {key.len, (void *)(uintptr_t)key.data}, v;
            must(mdb_get(s->txn, s->dbi, &k, &v));
            value = tc_slice(v.mv_data, v.mv_size);
        }
        check += value.data[100];
    }
    if (s->txn)
        mdb_txn_abort(s->txn);
    s->txn = NULL;
    TC_ASSERT(check > 0);
    return (cpu_us() - start) / (double)items;
}

static double scan_tree(struct store *s, uint64_t items) {
    double start = cpu_us();
    struct btree_cursor c;
    btree_cursor_init(&c, s->tree);
    uint64_t count = 0, check = 0;
    for (tc_err err = btree_cursor_seek(&c, BTREE_GE, TC_SLICE_EMPTY); err == TC_OK;
         err = btree_cursor_next(&c), count++) {
        struct tc_slice value;
        TC_ASSERT(btree_cursor_value(&c, &value) == TC_OK);
        check += value.data[100];
    }
    btree_cursor_deinit(&c);
    TC_ASSERT(count == items && check > 0);
    return (cpu_us() - start) / (double)items;
}

static double scan_lmdb(struct store *s, uint64_t items) {
    double start = cpu_us();
    MDB_cursor *c = NULL;
    MDB_val k, v;
    uint64_t count = 0, check = 0;
    must(mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->txn));
    must(mdb_cursor_open(s->txn, s->dbi, &c));
    while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
        check += ((uint8_t *)v.mv_data)[100];
        count++;
    }
    mdb_cursor_close(c);
    mdb_txn_abort(s->txn);
    s->txn = NULL;
    TC_ASSERT(count == items && check > 0);
    return (cpu_us() - start) / (double)items;
}

static void open_lmdb(struct store *s, const char *path) {
    must(mdb_env_create(&s->env));
    must(mdb_env_set_mapsize(s->env, (size_t)8 << 30));
    must(mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_NOSYNC, 0600));
    must(mdb_txn_begin(s->env, NULL, 0, &s->txn));
    must(mdb_dbi_open(s->txn, NULL, 0, &s->dbi));
    must(mdb_txn_commit(s->txn));
    s->txn = NULL;
}

struct figures {
    double put, overwrite, get, scan;
};

static struct figures measure(struct store *s, uint64_t items) {
    struct figures f = {.get = 1e9};
    f.put = run_put(s, items, 1);
    f.overwrite = run_put(s, items, 2);
    for (int k = 0; k < RUNS; k++) {
        double get = run_get(s, items);
        f.get = get < f.get ? get : f.get;
    }
    f.scan = s->tree ? scan_tree(s, items) : scan_lmdb(s, items);
    return f;
}

static void print(const char *what, double tree, double lmdb) {
    printf("%-18s %8.2f us %8.2f us   ratio %.2f\n", what, tree, lmdb, tree / lmdb);
}

int main(int argc, char **argv) {
    uint64_t items = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    char tree_path[512], lmdb_path[512], lock_path[520];
    snprintf(tree_path, sizeof tree_path, "%s/micro_btree.tree", argc > 2 ? argv[2] : ".");
    snprintf(lmdb_path, sizeof lmdb_path, "%s/micro_btree.lmdb", argc > 2 ? argv[2] : ".");
    snprintf(lock_path, sizeof lock_path, "%s-lock", lmdb_path);
    unlink(tree_path);
    unlink(lmdb_path);
    struct posix_fs fs;
    posix_fs_init(&fs);
    struct btree_opts o = {.gid = 1,
                           .create = true,
                           .cache_bytes = (size_t)8 << 30,
                           .dirty_bytes_max = (size_t)8 << 30};
    struct store tree = {0}, lmdb = {0};
    TC_ASSERT(btree_open(&fs.fs, tree_path, &o, &tree.tree) == TC_OK);
    struct figures a = measure(&tree, items);
    TC_ASSERT(btree_checkpoint(tree.tree, &(struct btree_stamp){.index = 2}) == TC_OK);
    struct btree_stats stats = btree_stats(tree.tree);
    btree_close(tree.tree);
    open_lmdb(&lmdb, lmdb_path);
    struct figures b = measure(&lmdb, items);
    mdb_env_close(lmdb.env);
    printf("%llu items of %d bytes; CPU per operation: B-tree, LMDB\n", (unsigned long long)items,
           VALUE_BYTES);
    print("put (new, random)", a.put, b.put);
    print("put (overwrite)", a.overwrite, b.overwrite);
    print("get (random)", a.get, b.get);
    print("scan", a.scan, b.scan);
    printf("file %.2f x the data, depth %u\n",
           (double)(stats.file_bytes - stats.free_bytes) / (double)stats.item_bytes, stats.depth);
    unlink(tree_path);
    unlink(lmdb_path);
    unlink(lock_path);
    return 0;
}
