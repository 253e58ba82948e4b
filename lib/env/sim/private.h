/* sim: a file's pages (node.c), names and their durability (names.c), faults (fault.c),
 * calls on files (file.c) and names (fs.c). */
#ifndef TC_ENV_SIM_PRIVATE_H
#define TC_ENV_SIM_PRIVATE_H

#include "base/map.h"
#include "env/sim/sim.h"

enum {
    SIM_PAGE_BYTES = 4096,
    SIM_PAGE_SECTORS = SIM_PAGE_BYTES / TC_FS_SECTOR_BYTES,
};

struct sim_page {
    uint8_t now[SIM_PAGE_BYTES]; /* what readers see */
    uint8_t *synced;             /* what the medium holds where dirty; NULL: same as now */
    uint8_t dirty;               /* sectors not durable, one bit each */
    uint8_t lost;                /* dirty sectors that no sync will save: their writeback failed */
};

/* A file or directory, counted by names (now, durable, pending) and open files. */
struct sim_node {
    uint32_t refs;
    bool is_dir;
    uint64_t size;
    uint64_t synced_size;
    struct sim_page **pages; /* NULL entries read as zeros */
    size_t page_cap;
    uint32_t *dirty; /* page numbers with dirty sectors, each once */
    size_t dirty_count;
    size_t dirty_cap;
};

/* A change of names that no sync_dir covers yet; applied whole or not at all. */
struct sim_change {
    char *remove;          /* NULL: nothing */
    char *add;             /* NULL: nothing */
    struct sim_node *node; /* what add names; one reference */
};

struct sim_active_fault {
    struct sim_fault spec;
    char path_part[128];
};

struct sim_fs {
    struct tc_fs fs;
    struct tc_prng prng;
    struct tc_map names;   /* path -> sim_node, as seen now */
    struct tc_map durable; /* path -> sim_node, as after losing every pending change */
    struct sim_change *pending;
    size_t pending_count;
    size_t pending_cap;
    struct sim_active_fault faults[SIM_FAULTS_MAX];
    size_t fault_count;
    struct sim_latency latency;
    struct sim_counters counters;
    uint64_t busy_ns;
    uint64_t capacity_bytes;
    uint64_t used_bytes;
    uint64_t epoch; /* files opened before the last crash are dead */
    uint64_t crash_skip_count;
    bool crash_armed;
    bool down;
    size_t open_count;
};

struct sim_node *sim__node_new(bool is_dir);
void sim__node_unref(struct sim_fs *s, struct sim_node *n);
void sim__node_read(const struct sim_node *n, uint64_t offset, uint8_t *to, size_t len);
/* Write one sector's part; durable at once or dirty. offset..len stays within one sector. */
void sim__node_write(struct sim_node *n, uint64_t offset, const uint8_t *from, size_t len);
void sim__node_resize(struct sim_fs *s, struct sim_node *n, uint64_t size);
void sim__node_sync(struct sim_node *n);
/* A sync that failed: a random part of the dirty sectors will never become durable. */
void sim__node_fail_sync(struct sim_fs *s, struct sim_node *n);
void sim__node_crash(struct sim_fs *s, struct sim_node *n);
bool sim__node_flip(struct sim_node *n, uint64_t offset, unsigned bit);

void sim__names_put(struct sim_fs *s, struct tc_map *map, const char *path, struct sim_node *n);
void sim__names_del(struct sim_fs *s, struct tc_map *map, const char *path);
struct sim_node *sim__names_get(const struct tc_map *map, const char *path);
/* Do a change now and remember it as not durable. */
void sim__names_change(struct sim_fs *s, const char *remove, const char *add, struct sim_node *n);
void sim__names_sync_dir(struct sim_fs *s, const char *dir);
/* Decide which pending changes happened; then what is durable is what is seen. */
void sim__names_crash(struct sim_fs *s, bool keep_all);
void sim__names_clear(struct sim_fs *s);
/* True when path is directly inside dir. */
bool sim__names_in_dir(const char *path, const char *dir);

/* An open file on n; takes its own reference. */
struct tc_file *sim__file_new(struct sim_fs *s, struct sim_node *n, const char *path,
                              unsigned flags);

/* Does a fault of this kind strike this call? Counts it down. */
bool sim__fault(struct sim_fs *s, enum sim_fault_kind kind, const char *path);
/* A mutating call begins: true when it is the one that the machine dies in. */
bool sim__dies(struct sim_fs *s);

#endif
