/* What the shell does with rows that a store wants sent to the index.
 *
 * Rows go as packed requests to some node of the group that holds their keys as far as the world
 * has seen; they are lost, doubled and late like any message, and repeated under one request id
 * until they are answered or given up. */
#include "sim/store/world.h"

#include "base/assert.h"
#include "proto/bytes.h"

#include <stdlib.h>

#define PART_TOKEN ((uint64_t)1 << 60)

enum {
    ATTEMPTS_MAX = 40,
    ATTEMPT_BITS = 6,
    GIVE_UP_MS = 5000,
};

_Static_assert(ATTEMPTS_MAX < 1 << ATTEMPT_BITS, "an attempt's number fits in a token");

/* The rows of one effect. */
struct world_shipment {
    uint64_t token;
    Tercet__Pb__IndexRequest *rows;
    tc_err errs[STORE_INDEX_ROWS_MAX];
    size_t left;
};

static uint64_t below(struct world *w, uint64_t bound) {
    return tc_prng_below(&w->index.prng, bound);
}

/* ---- parts */

static struct world_part *find(const struct world *w, uint64_t id) {
    return tc_map_get(&w->index.parts, tc_map_u64_key(&id));
}

static void shipment_free(struct world_shipment *h) {
    tercet__pb__index_request__free_unpacked(h->rows, NULL);
    free(h);
}

/* Every row of the part has this answer; nobody hears it if the sender's process is another one. */
static void end_part(struct world *w, struct world_part *p, tc_err err) {
    struct world_shipment *h = p->shipment;
    struct world_node *n = &w->nodes[p->node];
    for (size_t i = p->first; i < p->first + p->count; i++)
        h->errs[i] = err;
    TC_ASSERT(h->left >= p->count);
    h->left -= p->count;
    (void)tc_map_del(&w->index.parts, tc_map_u64_key(&p->id));
    if (h->left == 0) {
        if (n->store && n->life == p->life) {
            world_node_set_clock(n);
            store_index_done(n->store, h->token, h->errs, h->rows->n_rows);
        }
        shipment_free(h);
    }
    free(p);
}

/* The group of the index that holds the row's key, as far as the world has seen. */
static uint32_t leaf_of(const struct world *w, struct tc_slice key) {
    const struct world_group *root = &w->groups[w->index.root];
    uint32_t at = 0;
    while (at + 1 < w->swarm.keys && tc_slice_cmp(key, tc_buf_slice(&root->keys[at + 1])) >= 0)
        at++;
    return world_split_leaf(w, w->index.root, at);
}

static void pack(const struct world *w, const struct world_part *p, uint32_t leaf,
                 struct tc_buf *out) {
    Tercet__Pb__IndexRequest req = TERCET__PB__INDEX_REQUEST__INIT;
    const struct world_group *g = &w->groups[leaf];
    req.gid = g->gid;
    req.epoch = g->epoch;
    req.request_id =
        (ProtobufCBinaryData){sizeof p->request_id, (uint8_t *)(uintptr_t)p->request_id};
    req.rows = p->shipment->rows->rows + p->first;
    req.n_rows = p->count;
    proto_append(out, &req.base);
}

static void attempt(struct world *w, struct world_part *p) {
    uint64_t delays[SIM_NET_COPIES_MAX];
    uint32_t leaf = leaf_of(w, proto_slice(p->shipment->rows->rows[p->first]->key));
    const struct world_group *g = &w->groups[leaf];
    uint64_t arg = p->id << ATTEMPT_BITS | p->attempts++;
    if (p->to == UINT32_MAX)
        p->to = g->nodes[below(w, g->count)];
    uint32_t copies = sim_net_route(&w->net, p->node, p->to, delays);
    for (uint32_t i = 0; i < copies; i++) {
        struct world_parcel *parcel = world_parcel_new(PARCEL_ROWS, p->node);
        parcel->token = PART_TOKEN | arg;
        pack(w, p, leaf, &parcel->bytes);
        world_push(w, delays[i], EVENT_PARCEL, p->to, 0, parcel);
    }
    p->to = UINT32_MAX;
    world_push(w, (100 + below(w, 700)) * WORLD_MS_NS, EVENT_PART, 0, arg, NULL);
}

/* One part for each group, as far as the world has seen. */
static void divide(struct world_node *n, struct world_shipment *h, size_t first, size_t end,
                   uint64_t begun_ns) {
    struct world *w = n->w;
    while (first < end) {
        uint32_t leaf = leaf_of(w, proto_slice(h->rows->rows[first]->key));
        size_t at = first + 1;
        while (at < end && leaf_of(w, proto_slice(h->rows->rows[at]->key)) == leaf)
            at++;
        struct world_part *p = calloc(1, sizeof *p);
        TC_ASSERT(p != NULL);
        *p = (struct world_part){.id = ++w->index.part_count,
                                 .node = n->id,
                                 .life = n->life,
                                 .shipment = h,
                                 .first = first,
                                 .count = at - first,
                                 .to = UINT32_MAX,
                                 .begun_ns = begun_ns,
                                 .request_id = {w->index.part_count, ~w->seed}};
        (void)tc_map_put(&w->index.parts, tc_map_u64_key(&p->id), p);
        attempt(w, p);
        first = at;
    }
}

void world_index_send(struct world_node *n, const struct store_effect *e) {
    struct world_shipment *h = calloc(1, sizeof *h);
    TC_ASSERT(h != NULL && e->table_id == WORLD_INDEX_TABLE);
    h->token = e->token;
    h->rows = tercet__pb__index_request__unpack(NULL, e->payload.len, e->payload.data);
    TC_ASSERT(h->rows != NULL && h->rows->n_rows > 0);
    h->left = h->rows->n_rows;
    divide(n, h, 0, h->rows->n_rows, n->w->now_ns);
}

void world_index_again(struct world *w, uint64_t arg) {
    struct world_part *p = find(w, arg >> ATTEMPT_BITS);
    if (p == NULL || p->attempts != (arg & ((1 << ATTEMPT_BITS) - 1)) + 1)
        return; /* answered, or tried again since */
    struct world_node *n = &w->nodes[p->node];
    bool over = n->life != p->life || p->attempts >= ATTEMPTS_MAX ||
                w->now_ns > p->begun_ns + GIVE_UP_MS * (uint64_t)WORLD_MS_NS;
    if (!over) {
        attempt(w, p);
        return;
    }
    end_part(w, p, TC_EUNAVAILABLE);
    world_node_pump(n);
}

/* ---- answers */

static uint32_t leader_of(const Tercet__Pb__Partition *p) {
    for (size_t i = 0; p && i < p->n_members; i++)
        if (p->leader_rid != 0 && p->members[i]->rid == p->leader_rid)
            return (uint32_t)strtoul(p->members[i]->addr + 5, NULL, 10);
    return UINT32_MAX;
}

static void take_hint(struct world *w, struct world_part *p, const Tercet__Pb__Partition *moved) {
    uint32_t part = moved ? world_split_seen(w, w->index.root, moved->gid) : WORLD_GROUPS_MAX;
    if (part < WORLD_GROUPS_MAX)
        world_group_learn(w, &w->groups[part], moved);
    uint32_t leader = leader_of(moved);
    p->to = leader < w->swarm.nodes ? leader : UINT32_MAX;
}

/* The rows stand in more than one group, or in another one. */
static void divide_again(struct world *w, struct world_part *p) {
    struct world_node *n = &w->nodes[p->node];
    struct world_shipment *h = p->shipment;
    size_t first = p->first, end = p->first + p->count;
    uint64_t begun_ns = p->begun_ns;
    (void)tc_map_del(&w->index.parts, tc_map_u64_key(&p->id));
    free(p);
    divide(n, h, first, end, begun_ns);
}

static void take_answer(struct world *w, struct world_part *p, const struct world_parcel *parcel) {
    Tercet__Pb__IndexReply *m =
        tercet__pb__index_reply__unpack(NULL, parcel->bytes.len, parcel->bytes.data);
    TC_ASSERT(m != NULL);
    bool final = parcel->err == TC_OK || tc_err_class(parcel->err) == TC_CLASS_NONE;
    if (final && parcel->err != TC_OK)
        world_fail(w, "rows of the index were refused: %s", tc_err_name(parcel->err));
    if (!final)
        take_hint(w, p, m->moved);
    uint32_t leaf = leaf_of(w, proto_slice(p->shipment->rows->rows[p->first]->key));
    uint32_t last = leaf_of(w, proto_slice(p->shipment->rows->rows[p->first + p->count - 1]->key));
    if (final)
        end_part(w, p, parcel->err);
    else if (leaf != last && w->now_ns < p->begun_ns + GIVE_UP_MS * (uint64_t)WORLD_MS_NS)
        divide_again(w, p);
    tercet__pb__index_reply__free_unpacked(m, NULL);
}

void world_index_deliver(struct world_node *n, const struct world_parcel *p) {
    if (p->kind == PARCEL_ROWS) {
        Tercet__Pb__IndexRequest *m =
            tercet__pb__index_request__unpack(NULL, p->bytes.len, p->bytes.data);
        TC_ASSERT(m != NULL);
        store_index_request(n->store, p->token | (uint64_t)p->from << 52, m);
        tercet__pb__index_request__free_unpacked(m, NULL);
        return;
    }
    struct world_part *part = find(n->w, (p->token & (((uint64_t)1 << 52) - 1)) >> ATTEMPT_BITS);
    if (part && part->life == n->life)
        take_answer(n->w, part, p);
}

bool world_index_owns(uint64_t token) {
    return token >> 60 == 1;
}

void world_index_reply(struct world_node *n, const struct store_effect *e) {
    uint64_t delays[SIM_NET_COPIES_MAX];
    uint32_t to = (uint32_t)(e->token >> 52 & 0xff);
    uint32_t copies = sim_net_route(&n->w->net, n->id, to, delays);
    for (uint32_t i = 0; i < copies; i++) {
        struct world_parcel *p = world_parcel_new(PARCEL_ROWS_DONE, n->id);
        p->token = e->token;
        p->err = e->err;
        tc_buf_append_slice(&p->bytes, tc_buf_slice(&e->payload));
        world_push(n->w, delays[i], EVENT_PARCEL, to, 0, p);
    }
}

void world_index_parts_deinit(struct world *w) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&w->index.parts, &at, &key, &value)) {
        struct world_part *p = value;
        p->shipment->left -= p->count;
        if (p->shipment->left == 0)
            shipment_free(p->shipment);
        free(p);
    }
    tc_map_deinit(&w->index.parts);
}
