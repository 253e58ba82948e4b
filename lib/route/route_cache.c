#include "route/route_private.h"

#include "base/assert.h"
#include "core/key/key.h"
#include "proto/bytes.h"

#include <stdlib.h>

void route_table_unref(struct route_table *t) {
    if (t == NULL || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    tercet__pb__table_descriptor__free_unpacked(t->descriptor, NULL);
    tc_buf_deinit(&t->packed);
    free(t);
}

static bool has_keys(const Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < d->n_keys; i++)
        if (strlen(d->keys[i]->type) != 1 || strchr("SNB", d->keys[i]->type[0]) == NULL)
            return false;
    return d->n_keys == 1 || d->n_keys == 2;
}

Tercet__Pb__TableDescriptor *route_table_unpack(struct tc_slice bytes) {
    Tercet__Pb__TableDescriptor *d =
        tercet__pb__table_descriptor__unpack(NULL, bytes.len, bytes.data);
    if (d == NULL || has_keys(d))
        return d;
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
    return NULL;
}

void route__partition_unref(struct route_partition *p) {
    if (p == NULL || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    tercet__pb__partition__free_unpacked(p->pb, NULL);
    tc_buf_deinit(&p->packed);
    free(p);
}

struct route_table *route__table_get(struct route *r, struct tc_slice name) {
    struct route_table *t = tc_map_get(&r->tables, name);
    if (t)
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

struct route_table *route__table_put(struct route *r, Tercet__Pb__TableDescriptor *d) {
    struct tc_slice name = tc_slice_str(d->name);
    struct route_table *known = tc_map_get(&r->tables, name);
    if (known && known->descriptor->version >= d->version) {
        tercet__pb__table_descriptor__free_unpacked(d, NULL); /* and name with it */
        __atomic_add_fetch(&known->refs, 1, __ATOMIC_RELAXED);
        return known;
    }
    struct route_table *t = calloc(1, sizeof *t);
    TC_ASSERT(t != NULL);
    *t = (struct route_table){.refs = 1, .descriptor = d};
    if (known == NULL && r->tables.count >= ROUTE_TABLES_MAX)
        return t; /* answered, but not kept */
    if (known)
        route__partitions_follow(r, known->descriptor, d);
    t->refs++; /* the cache's own */
    route_table_unref(tc_map_put(&r->tables, name, t));
    return t;
}

void route__table_forget(struct route *r, struct tc_slice name) {
    struct route_table *t = tc_map_del(&r->tables, name);
    if (t)
        route__partitions_follow(r, t->descriptor, NULL);
    route_table_unref(t);
}

bool route__partition_holds(const Tercet__Pb__Partition *p, struct tc_slice key, bool before) {
    struct tc_slice start = tc_slice(p->start.data, p->start.len);
    struct tc_slice end = tc_slice(p->end.data, p->end.len);
    if (!before)
        return key_in_range(key, start, end);
    /* An empty key stands for the end of the table. */
    if (key.len == 0)
        return end.len == 0;
    return tc_slice_cmp(key, start) > 0 && (end.len == 0 || tc_slice_cmp(key, end) <= 0);
}

/* Index of the first partition whose start is above key. */
static size_t upper_bound(const struct route__partitions *list, struct tc_slice key) {
    size_t lo = 0, hi = list->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        const ProtobufCBinaryData *start = &list->at[mid]->pb->start;
        if (tc_slice_cmp(tc_slice(start->data, start->len), key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct route_partition *route__partition_get(struct route *r, uint64_t table_id,
                                             struct tc_slice key, bool before) {
    struct route__partitions *list = tc_map_get(&r->partitions, tc_map_u64_key(&table_id));
    if (list == NULL)
        return NULL;
    list->used = true;
    size_t at = before && key.len == 0 ? list->count : upper_bound(list, key);
    for (size_t back = 0; back < 2 && at > back; back++) {
        struct route_partition *p = list->at[at - 1 - back];
        if (!route__partition_holds(p->pb, key, before))
            continue;
        __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
        return p;
    }
    return NULL;
}

static bool newer(const Tercet__Pb__Partition *a, const Tercet__Pb__Partition *b) {
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch;
    return a->leader_round > b->leader_round;
}

static bool overlap(const Tercet__Pb__Partition *a, const Tercet__Pb__Partition *b) {
    struct tc_slice a_end = tc_slice(a->end.data, a->end.len);
    struct tc_slice b_end = tc_slice(b->end.data, b->end.len);
    return (b_end.len == 0 || tc_slice_cmp(tc_slice(a->start.data, a->start.len), b_end) < 0) &&
           (a_end.len == 0 || tc_slice_cmp(tc_slice(b->start.data, b->start.len), a_end) < 0);
}

static struct route__partitions *list_of(struct route *r, uint64_t table_id) {
    struct route__partitions *list = tc_map_get(&r->partitions, tc_map_u64_key(&table_id));
    if (list)
        return list;
    list = calloc(1, sizeof *list);
    TC_ASSERT(list != NULL);
    tc_map_put(&r->partitions, tc_map_u64_key(&table_id), list);
    return list;
}

static void insert(struct route__partitions *list, struct route_partition *p) {
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 4;
        list->at = realloc(list->at, list->cap * sizeof(struct route_partition *));
        TC_ASSERT(list->at != NULL);
    }
    size_t at = upper_bound(list, tc_slice(p->pb->start.data, p->pb->start.len));
    memmove(&list->at[at + 1], &list->at[at],
            (list->count - at) * sizeof(struct route_partition *));
    list->at[at] = p;
    list->count++;
    list->used = true;
}

void route__partition_put(struct route *r, Tercet__Pb__Partition *pb) {
    struct route__partitions *list = list_of(r, pb->table_id);
    size_t kept = 0, before = list->count;
    for (size_t i = 0; i < list->count; i++)
        if (overlap(list->at[i]->pb, pb) && !newer(pb, list->at[i]->pb)) {
            tercet__pb__partition__free_unpacked(pb, NULL); /* what is known is as new */
            return;
        }
    for (size_t i = 0; i < list->count; i++) {
        if (overlap(list->at[i]->pb, pb))
            route__partition_unref(list->at[i]);
        else
            list->at[kept++] = list->at[i];
    }
    list->count = kept;
    struct route_partition *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    *p = (struct route_partition){.refs = 1, .pb = pb};
    insert(list, p);
    r->partition_count = r->partition_count - before + list->count;
    route__partitions_make_room(r, pb->table_id);
    r->ready = r->ready || pb->table_id == SYSTEM_TABLE_ID;
}

static struct route_table *table_forget(struct route *r, const Tercet__Pb__TableRecord *record) {
    struct route_table *t = tc_map_get(&r->tables, tc_slice_str(record->name));
    if (t && t->descriptor->version < record->version)
        route__table_forget(r, tc_slice_str(record->name));
    return NULL;
}

struct route_table *route__table_learn(struct route *r, struct tc_slice name,
                                       struct tc_slice packed) {
    struct route_table *t = route__table_get(r, name);
    if (t && tc_slice_eq(tc_buf_slice(&t->packed), packed))
        return t;
    route_table_unref(t);
    t = NULL;
    Tercet__Pb__TableRecord *record =
        tercet__pb__table_record__unpack(NULL, packed.len, packed.data);
    if (record == NULL)
        return NULL;
    Tercet__Pb__TableDescriptor *d = NULL;
    if (!record->deleted)
        d = route_table_unpack(proto_slice(record->descriptor));
    t = d ? route__table_put(r, d) : record->deleted ? table_forget(r, record) : NULL;
    if (t && t->descriptor->version == record->version) {
        tc_buf_clear(&t->packed);
        tc_buf_append_slice(&t->packed, packed);
    }
    tercet__pb__table_record__free_unpacked(record, NULL);
    return t;
}

void route__partition_learn(struct route *r, const struct route_lookup *l, struct tc_slice packed) {
    struct tc_slice key = tc_slice(l->bytes, l->len);
    struct route_partition *p = route__partition_get(r, l->table_id, key, l->before);
    bool same = p && tc_slice_eq(tc_buf_slice(&p->packed), packed);
    route__partition_unref(p);
    Tercet__Pb__Partition *pb =
        same ? NULL : tercet__pb__partition__unpack(NULL, packed.len, packed.data);
    if (pb == NULL)
        return;
    uint64_t gid = pb->gid, epoch = pb->epoch, round = pb->leader_round;
    route__partition_put(r, pb);
    p = route__partition_get(r, l->table_id, key, l->before);
    if (p && p->pb->gid == gid && p->pb->epoch == epoch && p->pb->leader_round == round) {
        tc_buf_clear(&p->packed);
        tc_buf_append_slice(&p->packed, packed);
    }
    route__partition_unref(p);
}

void route__cache_clear(struct route *r) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&r->tables, &at, &key, &value))
        route_table_unref(value);
    at = 0;
    while (tc_map_next(&r->partitions, &at, &key, &value))
        route__partitions_free(value);
    tc_map_deinit(&r->tables);
    tc_map_deinit(&r->partitions);
    r->partition_count = 0;
}

Tercet__Pb__Partition *route__partition_dup(const Tercet__Pb__Partition *p) {
    return (Tercet__Pb__Partition *)proto_dup(&p->base);
}
