/* What storage nodes tell: they are the authority, this node only keeps the newest of it. */
#include "base/assert.h"
#include "memds/map/map_private.h"
#include "proto/bytes.h"

static tc_err put(struct map *m, const struct perkle_record *record, uint64_t now_ms,
                  struct map_counts *counts) {
    bool changed = false;
    const tc_err err = perkle_put(&m->tree, record, now_ms, &changed);
    if (err != TC_OK)
        counts->refused++;
    else if (changed)
        counts->taken++;
    else
        counts->stale++;
    return err == TC_ENOMEM ? err : TC_OK;
}

static struct tc_slice pack(struct tc_buf *out, const ProtobufCMessage *message) {
    tc_buf_clear(out);
    proto_append(out, message);
    return tc_buf_slice(out);
}

static tc_err put_table(struct map *m, const Tercet__Pb__TableRecord *t, uint64_t now_ms,
                        struct map_counts *counts) {
    struct tc_buf key = {0};
    map__table_key(&key, t->name);
    struct perkle_record r = {.key = tc_buf_slice(&key), .version = {t->version, 0}};
    if (t->deleted)
        r.dead_until_ms = now_ms + MAP_TOMBSTONE_MS;
    else
        r.value = pack(&m->scratch, &t->base);
    const tc_err err = put(m, &r, now_ms, counts);
    tc_buf_deinit(&key);
    return err;
}

static tc_err put_partition(struct map *m, const Tercet__Pb__Partition *p, uint64_t now_ms,
                            struct map_counts *counts) {
    struct tc_buf key = {0};
    map__partition_key(&key, p->table_id, tc_slice(p->start.data, p->start.len));
    const struct perkle_record r = {
        .key = tc_buf_slice(&key),
        .value = pack(&m->scratch, &p->base),
        .version = {p->epoch, p->leader_round},
    };
    const tc_err err = put(m, &r, now_ms, counts);
    tc_buf_deinit(&key);
    return err;
}

static bool is_removed(const Tercet__Pb__PushRequest *push, uint64_t gid) {
    for (size_t i = 0; i < push->n_removed_gids; i++) {
        if (push->removed_gids[i] == gid)
            return true;
    }
    return false;
}

/* A removal names groups only. It is rare, so the partitions are searched for it; the tombstone
 * comes after every leader round of the epoch that this node knows. */
static tc_err remove_groups(struct map *m, const Tercet__Pb__PushRequest *push, uint64_t now_ms,
                            struct map_counts *counts) {
    struct tc_buf at = {0};
    struct perkle_record r;
    tc_err err = TC_OK;
    tc_buf_append_str(&at, "p/");
    while (perkle_ceiling(&m->tree, tc_buf_slice(&at), /* strict= */ true, PERKLE_LIVE, &r) &&
           tc_slice_has_prefix(r.key, TC_SLICE_LIT("p/"))) {
        tc_buf_clear(&at);
        tc_buf_append_slice(&at, r.key);
        if (!is_removed(push, map__varint_field(r.value, MAP__PARTITION_GID)))
            continue;
        const struct perkle_record tombstone = {
            .key = tc_buf_slice(&at),
            .version = {r.version.major, UINT64_MAX},
            .dead_until_ms = now_ms + MAP_TOMBSTONE_MS,
        };
        const tc_err one = put(m, &tombstone, now_ms, counts);
        err = err == TC_OK ? one : err;
    }
    tc_buf_deinit(&at);
    return err;
}

tc_err map_push(struct map *m, const Tercet__Pb__PushRequest *push, uint64_t now_ms,
                struct map_counts *counts) {
    tc_err err = TC_OK;
    for (size_t i = 0; i < push->n_tables; i++) {
        const tc_err one = put_table(m, push->tables[i], now_ms, counts);
        err = err == TC_OK ? one : err;
    }
    for (size_t i = 0; i < push->n_partitions; i++) {
        const tc_err one = put_partition(m, push->partitions[i], now_ms, counts);
        err = err == TC_OK ? one : err;
    }
    if (push->n_removed_gids > 0) {
        const tc_err one = remove_groups(m, push, now_ms, counts);
        err = err == TC_OK ? one : err;
    }
    m->pushed = m->pushed || push->n_tables + push->n_partitions > 0;
    return err;
}
