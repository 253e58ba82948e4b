/* CreateTable: the record of a new table; autoadmin places its partitions. */
#include "exec_table_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void set_uuid(Tercet__Pb__TableDescriptor *d) {
    uint8_t b[16];
    char text[40];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        TC_ASSERT(!"the system has no random bytes");
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    (void)snprintf(text, sizeof text,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
    exec__set_text(&d->uuid, tc_slice_str(text));
}

static const char *type_name(const struct api_create_table *in, struct tc_slice name) {
    static const char *const names[] = {"", "S", "N", "B"};
    const struct api_attribute_definition *a = in->attribute_definitions.items;
    for (size_t i = 0; i < in->attribute_definitions.count; i++)
        if (tc_slice_eq(a[i].name, name))
            return names[a[i].type];
    return "S"; /* the decoder's rules made sure that every key attribute is defined */
}

static Tercet__Pb__KeyAttribute *new_key(const struct api_create_table *in, struct tc_slice name) {
    Tercet__Pb__KeyAttribute *k = malloc(sizeof *k);
    TC_ASSERT(k != NULL);
    tercet__pb__key_attribute__init(k);
    exec__set_text(&k->name, name);
    exec__set_text(&k->type, tc_slice_str(type_name(in, name)));
    return k;
}

/* HASH first, as the rules of the request have it. */
static void set_keys(const struct api_create_table *in, Tercet__Pb__TableDescriptor *d) {
    const struct api_key_element *k = in->key_schema.items;
    d->keys = calloc(in->key_schema.count, sizeof *d->keys);
    TC_ASSERT(d->keys != NULL);
    d->n_keys = in->key_schema.count;
    for (size_t i = 0; i < d->n_keys; i++)
        d->keys[i] = new_key(in, k[i].name);
}

static void set_billing(const struct api_create_table *in, Tercet__Pb__TableDescriptor *d) {
    d->billing = in->billing_mode == API_BILLING_ON_DEMAND
                     ? TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND
                     : TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    if (in->billing_mode == API_BILLING_ON_DEMAND)
        d->on_demand_switch_ms = d->created_ms;
    if (in->throughput) {
        d->rcu = (uint64_t)in->throughput->read_units.value;
        d->wcu = (uint64_t)in->throughput->write_units.value;
    }
}

/* What is checked against limits, or may exceed one. */
static enum api_error set_limited(const struct exec_settings *c, const struct api_create_table *in,
                                  Tercet__Pb__TableDescriptor *d) {
    enum api_error refused = in->throughput ? exec__check_units(c, in->throughput) : API_OK;
    if (refused == API_OK && in->on_demand)
        refused = exec__start_maxima(c, in->on_demand, d);
    if (refused == API_OK)
        refused = exec__start_warm(c, in->warm, d);
    if (refused == API_OK)
        refused = exec__add_indexes(c, in, d);
    return refused ? refused : exec__add_tags(c, &in->tags, d);
}

static enum api_error fill(const struct exec_settings *c, const struct api_create_table *in,
                           Tercet__Pb__TableDescriptor *d) {
    tercet__pb__table_descriptor__init(d);
    exec__set_text(&d->name, in->table_name);
    set_uuid(d);
    exec__set_text(&d->table_class, tc_slice_str(exec__class_name(in->table_class)));
    d->created_ms = c->now_ms;
    d->version = d->created_ms; /* above every version of a deleted table of this name */
    d->deletion_protection = in->deletion_protection == API_TRUE;
    set_billing(in, d);
    set_keys(in, d);
    return set_limited(c, in, d);
}

static void drop(void *state) {
    tercet__pb__table_descriptor__free_unpacked(state, NULL);
}

static void answer(struct exec_op *op) {
    const struct api_create_table *in = op->req->input;
    struct api_table_description t = exec__description(op, op->state, NULL);
    t.creating = true;
    t.warm_asked = in->warm != NULL && (in->warm->read_units.set || in->warm->write_units.set);
    api_write_table(op->req->out, "TableDescription", &t);
    exec__complete(op);
}

static void created(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                    const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_create_table *in = op->req->input;
    (void)reply;
    (void)partition;
    if (err == TC_ECONDITION)
        exec__fail(op, API_RESOURCE_IN_USE, "Table already exists: %.*s",
                   TC_SLICE_ARGS(in->table_name));
    else if (err != TC_OK)
        exec__storage_error(op, err, NULL);
    else
        answer(op);
}

static void write_table(struct exec_op *op) {
    exec__table_write(op, op->state, 0, created);
}

void exec__create_table(struct exec_op *op) {
    struct exec_settings c = exec__settings(op);
    Tercet__Pb__TableDescriptor *d = malloc(sizeof *d);
    TC_ASSERT(d != NULL);
    op->state = d;
    op->free_state = drop;
    enum api_error refused = fill(&c, op->req->input, d);
    if (refused)
        exec__fail(op, refused, "%.*s", TC_SLICE_ARGS(tc_buf_slice(&op->diag)));
    else
        exec__check_quota(op, d, /* creating= */ true, write_table);
}
