#include "route/route_private.h"

#include "base/assert.h"
#include "core/item/item.h"

#include <stdlib.h>

static void finish(struct route *r, struct route_find *f, tc_err err, struct route_table *table) {
    tc_buf_deinit(&f->scratch);
    free(f->call);
    f->call = NULL;
    f->done(f, err, table);
    route__finished(r);
}

/* A table on its way in or out: what is known of it is about to be wrong. One being deleted may
 * have a successor of the same name already. */
static bool in_change(const struct route_table *t) {
    return t->descriptor->status == TERCET__PB__TABLE_STATUS__TABLE_CREATING ||
           t->descriptor->status == TERCET__PB__TABLE_STATUS__TABLE_DELETING;
}

/* Lock held. A reference if the record can be used at once; otherwise the find waits. */
static struct route_table *begin(struct route *r, struct route_find *f) {
    struct route_table *t = route__table_get(r, f->name), *unusable = NULL;
    if (t && in_change(t)) {
        unusable = t;
        t = NULL;
    }
    r->stats.finds++;
    r->stats.find_misses += t == NULL;
    route__begun(r, t == NULL);
    route__lookup_add(r, f->name, 0, TC_SLICE_EMPTY, false, t ? NULL : f, NULL);
    route_table_unref(unusable);
    return t;
}

void route_find(struct route *r, struct route_find *f) {
    f->confirming = false;
    f->scratch = (struct tc_buf){0};
    f->call = NULL;
    pthread_mutex_lock(&r->lock);
    bool refused = r->closing;
    struct route_table *t = refused ? NULL : begin(r, f);
    pthread_mutex_unlock(&r->lock);
    if (refused) {
        f->done(f, TC_EUNAVAILABLE, NULL);
        return;
    }
    route__lookup_flush(r); /* before the answer: after it, route may be freed */
    if (t)
        finish(r, f, TC_OK, t);
    else
        route__finished(r);
}

/* The bound keeps requests for tables that do not exist from becoming a load on group 1. */
static bool may_confirm(struct route *r) {
    uint64_t now_ns = daemon_now_ns();
    pthread_mutex_lock(&r->lock);
    if (now_ns - r->confirm_window_ns > UINT64_C(1000000000)) {
        r->confirm_window_ns = now_ns;
        r->confirms_in_window = 0;
    }
    bool may = r->confirms_in_window < ROUTE_CONFIRMS_PER_S;
    r->confirms_in_window += may;
    r->stats.confirms += may;
    pthread_mutex_unlock(&r->lock);
    return may;
}

static Tercet__Pb__TableDescriptor *descriptor_of(const ProtobufCMessage *message) {
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    struct tc_slice item = tc_slice(reply->new_item.data, reply->new_item.len);
    struct system_record record;
    if (!reply->found || item_check(item) != TC_OK || system_decode(item, &record) != TC_OK)
        return NULL;
    return route_table_unpack(record.data);
}

static void confirmed(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                      const Tercet__Pb__Partition *partition) {
    struct route_find *f = c->user;
    struct route *r = c->route;
    (void)partition;
    struct route_table *table = NULL;
    Tercet__Pb__TableDescriptor *d = err == TC_OK && reply ? descriptor_of(reply) : NULL;
    pthread_mutex_lock(&r->lock);
    if (d)
        table = route__table_put(r, d);
    else if (err == TC_OK && reply)
        route__table_forget(r, f->name);
    pthread_mutex_unlock(&r->lock);
    if (err == TC_OK && table == NULL)
        err = TC_ENOTFOUND;
    finish(r, f, err, table);
}

/* Ask group 1 itself. */
static void confirm(struct route *r, struct route_find *f) {
    struct route_call *c = calloc(1, sizeof *c);
    TC_ASSERT(c != NULL);
    f->call = c;
    f->confirming = true;
    system_key(&f->scratch, SYSTEM_KIND_TABLE, f->name);
    c->kind = ROUTE_ITEM;
    tercet__pb__item_request__init(&c->request.item);
    c->request.item.op = TERCET__PB__ITEM_OP__ITEM_GET;
    c->request.item.key = (ProtobufCBinaryData){f->scratch.len, f->scratch.data};
    c->request.item.consistent = true;
    c->table_id = SYSTEM_TABLE_ID;
    c->key = tc_buf_slice(&f->scratch);
    c->deadline_ns = f->deadline_ns;
    c->done = confirmed;
    c->user = f;
    route_call(r, c);
}

void route__find_confirm(struct route *r, struct route_find *f) {
    if (may_confirm(r))
        confirm(r, f);
    else
        finish(r, f, TC_EUNAVAILABLE, NULL);
}

void route__find_answered(struct route *r, struct route_find *f, tc_err err,
                          struct route_table *table) {
    if (err == TC_OK && !in_change(table)) {
        finish(r, f, TC_OK, table);
        return;
    }
    route_table_unref(table);
    if (err != TC_OK && err != TC_ENOTFOUND && daemon_now_ns() < f->deadline_ns) {
        route__retry_find(r, f, ROUTE__RETRY_MAX_NS);
        return;
    }
    if ((err == TC_OK || err == TC_ENOTFOUND) && may_confirm(r)) {
        confirm(r, f);
        return;
    }
    finish(r, f, err == TC_OK ? TC_ENOTFOUND : err, NULL);
}

void route__find_retry(struct route *r, struct route_find *f) {
    pthread_mutex_lock(&r->lock);
    route__lookup_add(r, f->name, 0, TC_SLICE_EMPTY, false, f, NULL);
    pthread_mutex_unlock(&r->lock);
    route__lookup_flush(r);
}
