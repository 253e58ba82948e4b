/* What the files of the B-tree share: the tree object, its page table, page frames and versions.
 *
 * A version is the tree as a checkpoint froze it, numbered by gen. Pages born in the current gen
 * are changed in place; older ones are copied (in memory: relabelled, unless a checkpoint is
 * writing them). A page serves the versions birth <= gen < death, and is reusable when none of
 * those lives.
 */
#ifndef TC_ENGINE_BTREE_BTREE_PRIVATE_H
#define TC_ENGINE_BTREE_BTREE_PRIVATE_H

#include "base/assert.h"
#include "base/list.h"
#include "engine/btree/page.h"
#include "env/fs.h"

enum {
    BTREE_CHUNK_SLOTS = 64,      /* pages per chunk of the page table */
    BTREE_EVICT_COUNT_MAX = 64,  /* pages dropped per call, so that no call pays for all */
    BTREE_WRITE_BYTES = 1048576, /* neighbouring pages go to disk in writes of up to this */
    BTREE_VERSION_MAX = BTREE_SNAPSHOT_MAX + 4,
};

/* One tree page, or one run, in memory. Between begin and end of a checkpoint a dirty frame of an
 * older gen is frozen: it belongs to the checkpoint and nobody changes or frees it. */
struct btree_frame {
    struct tc_list link; /* in the tree's clean or dirty list, or the checkpoint's */
    uint32_t page;
    uint32_t pages; /* how many it covers on disk */
    bool dirty;     /* newer than the disk */
    bool dead;      /* frozen, but no longer in the current version: free it afterwards */
    bool recent;    /* used since the eviction clock passed */
    uint8_t *data;  /* behind this struct, 16-byte aligned */
};

/* Where a page is in memory, and its checksum when this process wrote it. The two halves belong to
 * different threads: frame to the owner, crc and known of a frozen page to the checkpoint writer.
 */
struct btree_entry {
    struct btree_frame *frame;
    uint32_t crc;
    uint32_t known;
};

struct btree_table {
    struct btree_entry **chunks;
    uint32_t chunk_count;
    uint32_t chunk_max;
    void *retired[32]; /* older directories that a checkpoint writer may still hold */
    uint32_t retired_count;
};

struct btree_garbage {
    uint32_t page;
    uint32_t count;
    uint64_t birth;
    uint64_t death;
};

/* Which pages of the file are taken. busy: not allocatable. live: in the current version. */
struct btree_space {
    uint64_t *busy;
    uint64_t *live;
    uint32_t word_max;
    uint32_t page_count;
    uint32_t page_max; /* soft bound of put */
    uint32_t busy_count;
    uint32_t hint; /* no free page lies in a word before this one */
    struct btree_garbage *garbage;
    size_t garbage_count;
    size_t garbage_max;
};

struct btree_version {
    uint32_t refs;
    struct btree_super super; /* once written, without what follows its blob's end */
};

struct btree_level {
    struct btree_frame *frame;
    uint32_t at;
};

/* From the root (level[0]) to a leaf. */
struct btree_path {
    uint32_t depth;
    struct btree_level level[BTREE_DEPTH_MAX];
};

struct btree {
    struct tc_fs *fs;
    struct tc_file *file;
    char *path; /* owned */
    uint64_t gid;
    size_t cache_bytes;
    size_t dirty_bytes_max;

    uint32_t root;
    uint32_t root_crc; /* as its parent, the superblock or an inner page, knew it */
    uint32_t levels;
    uint64_t gen;
    uint64_t change; /* counts writes; cursors notice by it */
    uint64_t item_count;
    uint64_t item_bytes;
    struct btree_sums sums;

    struct btree_table table;
    struct btree_space space;
    struct tc_list clean;
    struct tc_list dirty;
    size_t clean_bytes;
    size_t dirty_bytes; /* with frozen and dead frames */
    uint64_t page_reads;
    struct tc_list spare; /* page frames kept for reuse */
    uint32_t spare_count;

    uint32_t map_page; /* page map run that the next checkpoint replaces; 0: none */
    uint32_t map_pages;
    uint64_t map_birth;

    struct btree_version *durable;
    struct btree_version *versions[BTREE_VERSION_MAX]; /* every living one */
    uint32_t version_count;
    uint32_t snapshot_count;
    struct btree_checkpoint *ckpt;
    tc_err failed;

    uint32_t last_leaf; /* where the last new item went: sequential inserts split off the end */
    uint32_t last_at;
    bool damaged;
    struct btree_damage damage;
    struct tc_buf separator;
    bool touched; /* since the last btree_rest */
};

struct btree_checkpoint {
    struct tc_file *file;
    struct btree_entry **chunks; /* the directory at begin: covers every page of the version */
    struct btree_version *version;
    struct tc_list frames;
    uint8_t *map; /* run image: header and bitmap of the version's pages */
    uint32_t map_bytes;
    uint8_t *buffer; /* neighbouring pages on their way to the disk */
    uint32_t buffer_page;
    uint32_t buffer_pages;
    bool retryable; /* the disk was full before anything but unreferenced pages was written */
};

/* cache.c */
static inline struct btree_page *btree__page(const struct btree_frame *f) {
    return btree_page_of(f->data);
}
static inline uint64_t btree__birth(const struct btree_frame *f) {
    return btree__page(f)->gen;
}
static inline struct btree_entry *btree__entry(struct btree_entry **chunks, uint32_t page) {
    return &chunks[page / BTREE_CHUNK_SLOTS][page % BTREE_CHUNK_SLOTS];
}
static inline uint32_t btree__run_pages(uint32_t payload_bytes) {
    return (payload_bytes + BTREE_HEADER_BYTES + BTREE_PAGE_BYTES - 1) / BTREE_PAGE_BYTES;
}
void btree__table_cover(struct btree *t, uint32_t page_count);
void btree__table_deinit(struct btree_table *table);
/* A new dirty frame for freshly allocated pages; content uninitialised but for the header. */
struct btree_frame *btree__frame_new(struct btree *t, uint32_t page, uint32_t pages);
/* Forget a frame that is in no list but clean or dirty; a frozen one is marked dead. */
void btree__frame_drop(struct btree *t, struct btree_frame *f);
static inline bool btree__frozen(const struct btree *t, const struct btree_frame *f) {
    return t->ckpt != NULL && f->dirty && btree__birth(f) < t->gen;
}
/* Free a frame that is in no list. */
void btree__frame_free(struct btree *t, struct btree_frame *f);
void btree__frame_make_dirty(struct btree *t, struct btree_frame *f);
void btree__frame_make_clean(struct btree *t, struct btree_frame *f);
/* A tree page of the given level, from memory or disk. */
tc_err btree__load(struct btree *t, uint32_t page, uint32_t crc, uint32_t level,
                   struct btree_frame **ret_frame, const char **ret_what);
tc_err btree__load_run(struct btree *t, const struct btree_run_ref *ref, uint32_t len,
                       struct btree_frame **ret_frame, const char **ret_what);
/* Drop clean pages beyond the cache bound; called before an operation, never inside one. */
void btree__trim(struct btree *t);

/* read.c: checks shared by owner, snapshots and verify; NULL: sound. */
const char *btree__check_tree_page(const uint8_t *data, uint32_t page, uint64_t gid, uint32_t level,
                                   uint32_t crc);
const char *btree__check_run(const uint8_t *data, const struct btree_run_ref *ref, uint64_t gid,
                             uint32_t len);
uint32_t btree__page_crc(const struct btree_page *p);
/* TC_ECORRUPT with *ret_what set when the file ends before the page. */
tc_err btree__read_pages(struct tc_file *file, uint32_t page, uint8_t *data, size_t len,
                         const char **ret_what);
/* Key range that child `at` of each level leads to, from keys on the way. */
void btree__damage_set(struct btree_damage *d, uint32_t page, const char *what,
                       const struct btree_page *const *pages, const uint32_t *ats, uint32_t depth);

/* space.c */
void btree__space_init(struct btree_space *s, uint32_t page_count);
void btree__space_deinit(struct btree_space *s);
void btree__space_cover(struct btree_space *s, uint32_t page_count);
/* count consecutive pages, busy and live; 0 when the hard bound is reached. */
uint32_t btree__space_take(struct btree_space *s, uint32_t count);
/* Leave the current version; garbage until no version in [birth, death) lives. */
void btree__space_drop(struct btree *t, uint32_t page, uint32_t count, uint64_t birth);
/* Turn garbage that no living version uses into free pages. */
void btree__space_sweep(struct btree *t);
/* May count more pages, run of them consecutive, be taken? */
bool btree__space_room(const struct btree_space *s, uint32_t count, uint32_t run,
                       uint32_t page_max);
void btree__space_set(uint64_t *map, uint32_t page, bool value);
bool btree__space_test(const uint64_t *map, uint32_t page);

/* path.c */
tc_err btree__descend(struct btree *t, struct tc_slice key, struct btree_path *p);
/* Go to the first cell of the next leaf, or the last of the one before; TC_EEND. */
tc_err btree__path_step(struct btree *t, struct btree_path *p, bool forward);
/* Load child i of the inner page at depth d, below it. */
tc_err btree__path_child(struct btree *t, struct btree_path *p, uint32_t d, uint32_t i,
                         struct btree_frame **ret_frame);
tc_err btree__leaf_value(struct btree *t, struct btree_path *p, struct tc_slice *ret_value);
static inline struct btree_level *btree__leaf(struct btree_path *p) {
    return &p->level[p->depth - 1];
}

/* cow.c */
void btree__path_own(struct btree *t, struct btree_path *p);
/* Make the page at depth d writable; its ancestors are. */
void btree__own(struct btree *t, struct btree_path *p, uint32_t d);
struct btree_frame *btree__own_child(struct btree *t, struct btree_frame *parent, uint32_t i,
                                     struct btree_frame *f);
struct btree_frame *btree__page_new(struct btree *t, enum btree_page_type type, uint8_t level);
void btree__page_free(struct btree *t, struct btree_frame *f);
/* Insert a cell at depth d before cell i, splitting upward as needed. */
void btree__insert(struct btree *t, struct btree_path *p, uint32_t d, uint32_t i,
                   const struct btree_cell *c);
/* After a removal at the leaf: merge or remove thin pages, lower the root. */
void btree__shrink(struct btree *t, struct btree_path *p);

/* super.c */
void btree__super_seal(struct btree_super *s);
const char *btree__super_check(const struct btree_super *s, uint64_t gid);
/* The newest valid superblock of the file. */
tc_err btree__super_read(struct tc_file *file, uint64_t gid, struct btree_super *ret_super);
/* Write both copies and sync. */
tc_err btree__super_write(struct tc_file *file, const struct btree_super *s);
/* Make both copies whole again, if a crash or rot left one of them otherwise. */
tc_err btree__super_mend(struct tc_file *file, const struct btree_super *s, bool *ret_mended);
struct btree_version *btree__version_new(struct btree *t);
struct btree_version *btree__version_shrink(struct btree *t, struct btree_version *v);
struct btree_version *btree__version_ref(struct btree_version *v);
/* Drop one reference; the last one makes its pages reusable. */
void btree__version_unref(struct btree *t, struct btree_version *v);
tc_err btree__create(struct tc_fs *fs, const char *path, uint64_t gid);
tc_err btree__sync_parent(struct tc_fs *fs, const char *path);

/* tree.c: a damaged page outside the tree. */
void btree__note_page(struct btree *t, uint32_t page, const char *what);

/* map.c */
/* Mark the durable version's pages as taken; a damaged map marks them all. */
tc_err btree__map_load(struct btree *t);
static inline uint32_t btree__map_bytes(uint32_t page_count) {
    return (page_count / 64 + 1) * 8;
}
static inline struct btree_run_ref btree__map_ref(const struct btree_super *s) {
    return (struct btree_run_ref){.page = s->map_page, .crc = s->map_crc};
}

/* snapshot.c */
struct btree_snapshot_level {
    uint8_t *data;
    uint32_t at;
};
struct btree_snapshot {
    struct tc_file *file;
    uint64_t gid;
    struct btree_version *version;
    struct btree_snapshot_level level[BTREE_DEPTH_MAX];
    uint32_t depth; /* levels loaded; 0: no position yet */
    tc_err err;     /* why the position was lost */
    uint8_t *run;
    size_t run_bytes_max;
    bool damaged;
    struct btree_damage damage;
};
static inline const struct btree_page *btree__snapshot_page(const struct btree_snapshot *s,
                                                            uint32_t d) {
    return btree_page_of(s->level[d].data);
}
/* Load the root (depth 0) or the child that the last level points at. */
tc_err btree__snapshot_push(struct btree_snapshot *s);
/* The value of the cell that the leaf points at. */
tc_err btree__snapshot_value(struct btree_snapshot *s, struct tc_slice *ret_value);
tc_err btree__snapshot_run(struct btree_snapshot *s, const struct btree_run_ref *ref, uint32_t len,
                           const char **ret_what);

#endif
