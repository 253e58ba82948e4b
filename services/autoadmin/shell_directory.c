#include "shell_directory.h"

#include "env/posix/posix.h"
#include "proto/bytes.h"
#include "shell_fan.h"

/* A directory under construction; everything borrows from the view. */
struct draft {
    Tercet__Pb__Directory directory;
    Tercet__Pb__DirectoryNode nodes[CATALOG_ADDRS_MAX];
    Tercet__Pb__DirectoryNode *list[CATALOG_ADDRS_MAX];
};

static Tercet__Pb__DirectoryState state_of(const struct plan_node *n) {
    return !n->alive     ? TERCET__PB__DIRECTORY_STATE__DIRECTORY_DOWN
           : n->draining ? TERCET__PB__DIRECTORY_STATE__DIRECTORY_DRAINING
           : n->full     ? TERCET__PB__DIRECTORY_STATE__DIRECTORY_FULL
                         : TERCET__PB__DIRECTORY_STATE__DIRECTORY_UP;
}

static const Tercet__Pb__DirectoryNode *recorded_at(const struct shell_view *v, const char *addr) {
    for (size_t i = 0; v->directory && i < v->directory->n_nodes; i++)
        if (strcmp(v->directory->nodes[i]->addr, addr) == 0)
            return v->directory->nodes[i];
    return NULL;
}

static void draft_node(struct draft *d, const struct catalog *c, const struct shell_view *v,
                       size_t i) {
    const Tercet__Pb__NodeInfoReply *r = v->reports[i];
    const Tercet__Pb__DirectoryNode *before = recorded_at(v, c->addrs[i]);
    if (r == NULL && before == NULL)
        return; /* nobody knows who that is */
    Tercet__Pb__DirectoryNode *n = &d->nodes[d->directory.n_nodes];
    tercet__pb__directory_node__init(n);
    if (r == NULL)
        *n = *before;
    n->addr = (char *)(uintptr_t)c->addrs[i];
    n->state = state_of(&v->snapshot.nodes[i]);
    if (r) {
        n->node = r->node;
        n->zone = r->zone;
        n->store_uuid = r->store_uuid;
        n->replicas = (uint32_t)r->n_replicas;
        n->disk_free_bytes = r->disk_free_bytes;
    }
    d->list[d->directory.n_nodes++] = n;
}

static void draft_fill(struct draft *d, const struct catalog *c, const struct shell_view *v,
                       const struct shell_limits *limits) {
    tercet__pb__directory__init(&d->directory);
    d->directory.nodes = d->list;
    d->directory.heals_per_node = limits->pace.changes_per_node_max;
    for (size_t i = 0; i < c->addr_count; i++)
        draft_node(d, c, v, i);
}

static bool same_node(const Tercet__Pb__DirectoryNode *a, const Tercet__Pb__DirectoryNode *b) {
    return strcmp(a->node, b->node) == 0 && strcmp(a->zone, b->zone) == 0 &&
           strcmp(a->addr, b->addr) == 0 && a->state == b->state &&
           tc_slice_eq(proto_slice(a->store_uuid), proto_slice(b->store_uuid));
}

static bool same_nodes(const Tercet__Pb__Directory *a, const Tercet__Pb__Directory *b) {
    bool same = a->n_nodes == b->n_nodes && a->heals_per_node == b->heals_per_node;
    for (size_t i = 0; same && i < a->n_nodes; i++)
        same = same_node(a->nodes[i], b->nodes[i]);
    return same;
}

/* Free space counts as changed when it did by an eighth. */
static bool same_counters(const Tercet__Pb__Directory *a, const Tercet__Pb__Directory *b) {
    for (size_t i = 0; i < a->n_nodes; i++) {
        uint64_t x = a->nodes[i]->disk_free_bytes, y = b->nodes[i]->disk_free_bytes;
        if (a->nodes[i]->replicas != b->nodes[i]->replicas || (x > y ? x - y : y - x) > y / 8)
            return false;
    }
    return true;
}

static bool passed(uint64_t since_ns, uint64_t now_ns, uint64_t ms) {
    return since_ns == 0 || now_ns - since_ns >= ms * 1000000u;
}

/* TC_OK with nothing written: what is on record says the same. */
static tc_err record(struct shell_directory *d, struct catalog *c, const struct shell_view *v,
                     struct draft *draft, uint64_t now_ns) {
    const Tercet__Pb__Directory *old = v->directory;
    bool same = old && same_nodes(&draft->directory, old);
    draft->directory.version = v->directory_version;
    if (same && (same_counters(&draft->directory, old) ||
                 !passed(d->recorded_ns, now_ns, SHELL_DIRECTORY_COUNTERS_MS)))
        return TC_OK;
    uint64_t version = posix_wall_ms();
    if (version <= v->directory_version)
        version = v->directory_version + 1;
    draft->directory.version = version;
    struct tc_buf data = {0};
    proto_append(&data, &draft->directory.base);
    struct system_record r = {TC_SLICE_LIT(SYSTEM_KIND_DIRECTORY), TC_SLICE_LIT("nodes"), version,
                              tc_buf_slice(&data)};
    tc_err err = catalog_write(c, &r, v->directory_version);
    tc_buf_deinit(&data);
    if (err == TC_OK)
        d->recorded_ns = now_ns;
    return err;
}

static void push(struct shell_directory *d, const struct catalog *c, const struct shell_view *v,
                 const struct draft *draft, uint64_t now_ns) {
    struct shell_fan_answer answers[CATALOG_ADDRS_MAX] = {0};
    bool to[CATALOG_ADDRS_MAX] = {false};
    struct tc_buf payload = {0};
    proto_append(&payload, &draft->directory.base);
    for (size_t i = 0; i < c->addr_count; i++)
        to[i] = v->reports[i] != NULL;
    shell_fan(c, to, "/tercet.Storage/SetDirectory", tc_buf_slice(&payload),
              SHELL_DIRECTORY_DEADLINE_MS, answers);
    d->refused_count = 0;
    for (size_t i = 0; i < c->addr_count; i++) {
        d->refused_count += answers[i].err != TC_OK;
        tc_buf_deinit(&answers[i].payload);
    }
    tc_buf_deinit(&payload);
    d->pushed_version = draft->directory.version;
    d->pushed_ns = now_ns;
}

tc_err shell_directory_publish(struct shell_directory *d, struct catalog *c,
                               const struct shell_view *v, const struct shell_limits *limits,
                               uint64_t now_ns) {
    struct draft draft = {0};
    draft_fill(&draft, c, v, limits);
    if (draft.directory.n_nodes == 0)
        return TC_OK;
    TC_TRY(record(d, c, v, &draft, now_ns));
    if (draft.directory.version != d->pushed_version ||
        passed(d->pushed_ns, now_ns, SHELL_DIRECTORY_PUSH_MS))
        push(d, c, v, &draft, now_ns);
    return TC_OK;
}
