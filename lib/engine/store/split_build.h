/* store__split_build, between its files: a child's B-tree that is being made.
 *
 * split_build.c begins it for a child and ends it; split_rows.c is what the worker does: the rows
 * of the parents' checkpoints that the child gets, in order.
 */
#ifndef TC_ENGINE_STORE_SPLIT_BUILD_H
#define TC_ENGINE_STORE_SPLIT_BUILD_H

#include "engine/store/store_private.h"
#include "env/fs.h"

enum {
    SPLIT_SOURCES_MAX = 2,
};

struct build_source {
    struct replica *parent; /* jobs_out counts this build until its end */
    struct btree_snapshot *snap;
    struct tc_slice key; /* the next row; empty: none is left */
    struct tc_slice value;
};

struct split_build {
    struct store_job job; /* first: the job is freed through it; it holds the child */
    struct build_source sources[SPLIT_SOURCES_MAX];
    size_t source_count;
    size_t source_at; /* the one that is read */
    bool homeless;    /* rows with hash zero are still to come */
    struct store_aux aux;
    bool global; /* of a global index */
    struct tc_buf united;
    struct btree_load *load;
    struct tc_fs *fs;
    char path[TC_FS_PATH_MAX];
    struct btree_opts opts;
    struct tc_buf start;
    struct tc_buf end;
    struct paxos_mark base;
    struct quorum_config config;
    bool ended; /* the whole B-tree is durable, or err says why not */
    tc_err err;
};

/* ---- split_rows.c */

/* Go on for a slice of bounded size, until b->ended or b->err; at the worker. */
void store__split_rows(struct split_build *b);

#endif
