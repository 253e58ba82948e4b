/* Exchange with peers: Perkle answers as protobuf, both ways. */
#include "base/assert.h"
#include "memds/map/map_private.h"
#include "proto/bytes.h"

/* Rows of a SyncReply live here while it is packed or read. */
struct rows {
    struct perkle_answer answer;
    Tercet__Pb__SyncChild children[PERKLE_CHILDREN_MAX];
    Tercet__Pb__SyncChild *child_list[PERKLE_CHILDREN_MAX];
    Tercet__Pb__SyncRecord records[PERKLE_ANSWER_RECORDS_MAX];
    Tercet__Pb__SyncRecord *record_list[PERKLE_ANSWER_RECORDS_MAX];
};

static void fill_children(struct rows *rows) {
    for (size_t i = 0; i < rows->answer.child_count; i++) {
        const struct perkle_part *part = &rows->answer.children[i];
        Tercet__Pb__SyncChild *c = &rows->children[i];
        tercet__pb__sync_child__init(c);
        c->prefix = proto_bytes(part->prefix);
        c->hash_lo = part->hash.lo;
        c->hash_hi = part->hash.hi;
        rows->child_list[i] = c;
    }
}

static void fill_records(struct rows *rows) {
    for (size_t i = 0; i < rows->answer.record_count; i++) {
        const struct perkle_record *r = &rows->answer.records[i];
        Tercet__Pb__SyncRecord *to = &rows->records[i];
        tercet__pb__sync_record__init(to);
        to->key = proto_bytes(r->key);
        to->value = proto_bytes(r->value);
        to->version = r->version.major;
        to->version_minor = r->version.minor;
        to->dead_until_ms = r->dead_until_ms;
        rows->record_list[i] = to;
    }
}

tc_err map_append_sync(struct map *m, struct tc_slice prefix, struct map_time now,
                       struct tc_buf *out) {
    if (prefix.len > PERKLE_KEY_BYTES_MAX)
        return TC_ELIMIT;
    struct rows rows;
    perkle_answer(&m->tree, prefix, &rows.answer);
    fill_children(&rows);
    fill_records(&rows);
    Tercet__Pb__SyncReply reply = TERCET__PB__SYNC_REPLY__INIT;
    reply.prefix = proto_bytes(prefix);
    reply.hash_lo = rows.answer.hash.lo;
    reply.hash_hi = rows.answer.hash.hi;
    reply.n_children = rows.answer.child_count;
    reply.children = rows.child_list;
    reply.n_records = rows.answer.record_count;
    reply.records = rows.record_list;
    reply.warm = map_warm(m, now.ns);
    reply.told_ms_ago = map_told_ms_ago(m, now);
    proto_append(out, &reply.base);
    return TC_OK;
}

static bool table_fits(const struct perkle_record *r, struct tc_buf *key) {
    Tercet__Pb__TableRecord *t =
        tercet__pb__table_record__unpack(NULL, r->value.len, r->value.data);
    if (t == NULL)
        return false;
    map__table_key(key, t->name);
    const bool fits = tc_slice_eq(tc_buf_slice(key), r->key) && t->version == r->version.major &&
                      r->version.minor == 0 && !t->deleted;
    tercet__pb__table_record__free_unpacked(t, NULL);
    return fits;
}

static bool partition_fits(const struct perkle_record *r, struct tc_buf *key) {
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, r->value.len, r->value.data);
    if (p == NULL)
        return false;
    map__partition_key(key, p->table_id, proto_slice(p->start));
    const bool fits = tc_slice_eq(tc_buf_slice(key), r->key) && p->epoch == r->version.major &&
                      p->leader_round == r->version.minor;
    tercet__pb__partition__free_unpacked(p, NULL);
    return fits;
}

/* Lookups trust what the tree holds, so a record is checked against its key before it enters. */
static bool record_fits(const struct perkle_record *r, struct tc_buf *key) {
    if (r->dead_until_ms != 0)
        return r->value.len == 0;
    if (tc_slice_has_prefix(r->key, TC_SLICE_LIT("t/")))
        return table_fits(r, key);
    return tc_slice_has_prefix(r->key, TC_SLICE_LIT("p/")) && partition_fits(r, key);
}

static tc_err read_records(const Tercet__Pb__SyncReply *reply, struct perkle_answer *a) {
    struct tc_buf key = {0};
    bool fits = true;
    for (size_t i = 0; fits && i < reply->n_records; i++) {
        const Tercet__Pb__SyncRecord *from = reply->records[i];
        a->records[i] = (struct perkle_record){
            .key = proto_slice(from->key),
            .value = proto_slice(from->value),
            .version = {from->version, from->version_minor},
            .dead_until_ms = from->dead_until_ms,
        };
        fits = record_fits(&a->records[i], &key);
    }
    a->record_count = reply->n_records;
    tc_buf_deinit(&key);
    return fits ? TC_OK : TC_ECORRUPT;
}

static void read_children(const Tercet__Pb__SyncReply *reply, struct perkle_answer *a) {
    a->child_count = reply->n_children;
    for (size_t i = 0; i < reply->n_children; i++) {
        const Tercet__Pb__SyncChild *from = reply->children[i];
        a->children[i] = (struct perkle_part){
            .prefix = proto_slice(from->prefix),
            .hash = {from->hash_lo, from->hash_hi},
        };
    }
}

tc_err map_take_sync(struct perkle_sync *round, struct tc_slice prefix,
                     const Tercet__Pb__SyncReply *reply, uint64_t now_ms,
                     struct map_word *ret_word) {
    struct perkle_answer a = {.prefix = prefix, .hash = {reply->hash_lo, reply->hash_hi}};
    if (reply->n_children > PERKLE_CHILDREN_MAX || reply->n_records > PERKLE_ANSWER_RECORDS_MAX ||
        read_records(reply, &a) != TC_OK) {
        perkle_sync_lost(round);
        return TC_ECORRUPT;
    }
    read_children(reply, &a);
    TC_TRY(perkle_sync_take(round, &a, now_ms));
    *ret_word = (struct map_word){reply->warm, reply->told_ms_ago};
    return TC_OK;
}
