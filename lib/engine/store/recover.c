/* A store starts: every replica that a descriptor names (REPLICATION.md B11). */
#include "base/assert.h"
#include "base/mutant.h"
#include "engine/store/learner.h"
#include "engine/store/replica.h"
#include "engine/store/split.h"
#include "env/fs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct gid_list {
    uint64_t *gids;
    size_t count;
};

static void gid_list_add(struct gid_list *list, uint64_t gid) {
    list->gids = realloc(list->gids, (list->count + 1) * sizeof *list->gids);
    TC_ASSERT(list->gids != NULL);
    list->gids[list->count++] = gid;
}

/* ---- replicas that descriptors name */

static void visit_name(void *user, const char *name) {
    uint64_t gid = 0;
    int used = 0;
    if (sscanf(name, "replica-%16" SCNx64 ".desc%n", &gid, &used) != 1 || used == 0 ||
        name[used] != 0)
        return;
    gid_list_add(user, gid);
}

static void open_tree(struct replica *r) {
    char path[TC_FS_PATH_MAX];
    store__replica_tree_path(r, path, sizeof path);
    struct btree_opts opts = store__replica_tree_opts(r, /* create= */ false);
    tc_err err = btree_open(r->store->env.fs, path, &opts, &r->tree);
    if (r->desc->learner && err != TC_OK)
        r->state = REPLICA_LOG; /* no copy was put in place yet, or it is sent once more */
    else if (err == TC_ENOTFOUND && r->desc->parent_gid != 0)
        r->state = REPLICA_BUILDING; /* a crash came before it was made from its parent's */
    else if (err != TC_OK)
        store__replica_damaged(r, err == TC_ENOTFOUND ? "the B-tree file is missing"
                                                      : "the B-tree file cannot be opened");
}

static tc_err recover_one(struct store *s, uint64_t gid) {
    bool live = false;
    Tercet__Pb__CreateReplicaRequest *desc = NULL;
    TC_TRY(store__replica_desc_load(s, gid, &live, &desc));
    if (!live) {
        tercet__pb__create_replica_request__free_unpacked(desc, NULL);
        return TC_OK;
    }
    struct replica *r = store__replica_new(s, desc);
    r->may_begin = TC_MUTANT(40); /* a start takes the first ballot of a child once more */
    open_tree(r);
    struct btree_stamp stamp = {0};
    if (r->tree)
        stamp = btree_durable_stamp(r->tree);
    store__replica_insert(s, r);
    if (r->tree)
        TC_TRY(store__learner_done(r)); /* the crash came after the swap */
    return store__replica_start(r, stamp);
}

/* ---- groups in the log that no descriptor names: a deletion that a crash cut short */

static void note_orphan(void *user, const struct wal_group *g) {
    gid_list_add(user, g->gid);
}

static void forget_orphans(struct store *s) {
    struct gid_list list = {0};
    uint64_t lsn = 0;
    wal_each_group(s->wal, note_orphan, &list);
    for (size_t i = 0; i < list.count; i++)
        if (store__find(s, list.gids[i]) == NULL && wal_forget(s->wal, list.gids[i], &lsn) != TC_OK)
            store__fail(s, "the log refused to forget a group");
    free(list.gids);
}

/* ---- all of them */

tc_err store__replica_recover_all(struct store *s, struct tc_buf *diag) {
    struct gid_list list = {0};
    tc_err err = tc_fs_list(s->env.fs, s->dir, visit_name, &list);
    for (size_t i = 0; i < list.count && err == TC_OK; i++) {
        err = recover_one(s, list.gids[i]);
        if (err != TC_OK && diag)
            tc_buf_printf(diag, "replica of group %" PRIu64 ": %s", list.gids[i], tc_err_text(err));
    }
    free(list.gids);
    if (err != TC_OK)
        return err;
    forget_orphans(s);
    store__split_recovered(s);
    return TC_OK;
}
