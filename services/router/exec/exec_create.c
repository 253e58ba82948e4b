/* CreateTable: the record of a new table; autoadmin places its partitions. */
#include "exec_table.h"

#include <stdio.h>
#include <sys/random.h>

struct create {
    Tercet__Pb__TableDescriptor descriptor;
    Tercet__Pb__KeyAttribute keys[2];
    Tercet__Pb__KeyAttribute *list[2];
    char uuid[40];
};

static char *text_of(struct exec_op *op, struct tc_slice s) {
    char *text = tc_arena_alloc(op->req->arena, s.len + 1);
    TC_ASSERT(text != NULL);
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return text;
}

static void make_uuid(char ret_text[40]) {
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        TC_ASSERT(!"the system has no random bytes");
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(ret_text, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

static const char *type_name(const struct api_create_table *in, struct tc_slice name) {
    static const char *const names[] = {"", "S", "N", "B"};
    const struct api_attribute_definition *a = in->attribute_definitions.items;
    for (size_t i = 0; i < in->attribute_definitions.count; i++)
        if (tc_slice_eq(a[i].name, name))
            return names[a[i].type];
    return "S"; /* the decoder's rules made sure that every key attribute is defined */
}

static void fill_keys(struct exec_op *op, const struct api_create_table *in, struct create *c) {
    const struct api_key_element *k = in->key_schema.items;
    for (size_t i = 0; i < in->key_schema.count && i < 2; i++) {
        size_t at = k[i].type == API_KEY_HASH ? 0 : 1;
        tercet__pb__key_attribute__init(&c->keys[at]);
        c->keys[at].name = text_of(op, k[i].name);
        c->keys[at].type = (char *)(uintptr_t)type_name(in, k[i].name);
        c->list[i] = &c->keys[i];
    }
    c->descriptor.keys = c->list;
    c->descriptor.n_keys = in->key_schema.count < 2 ? in->key_schema.count : 2;
}

static void create_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                        const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct create *c = op->state;
    (void)reply;
    (void)partition;
    if (err == TC_ECONDITION) {
        exec__fail(op, API_RESOURCE_IN_USE, "Table already exists: %s", c->descriptor.name);
        return;
    }
    if (err != TC_OK) {
        exec__storage_error(op, err, NULL);
        return;
    }
    exec__answer_table(op, "TableDescription", &c->descriptor);
    exec__complete(op);
}

void exec__create_table(struct exec_op *op) {
    static char standard[] = "STANDARD", infrequent[] = "STANDARD_INFREQUENT_ACCESS", none[] = "";
    const struct api_create_table *in = op->req->input;
    struct create *c = tc_arena_calloc(op->req->arena, 1, sizeof *c);
    TC_ASSERT(c != NULL);
    op->state = c;
    Tercet__Pb__TableDescriptor *d = &c->descriptor;
    tercet__pb__table_descriptor__init(d);
    make_uuid(c->uuid);
    d->name = text_of(op, in->table_name);
    d->created_ms = exec__wall_ms();
    d->version = d->created_ms; /* above every version of a deleted table of this name */
    d->uuid = c->uuid;
    d->table_class = in->table_class == 1 ? standard : in->table_class == 2 ? infrequent : none;
    d->deletion_protection = in->deletion_protection == API_TRUE;
    d->billing = in->billing_mode == API_BILLING_ON_DEMAND
                     ? TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND
                     : TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    if (in->billing_mode == API_BILLING_ON_DEMAND)
        d->on_demand_switch_ms = d->created_ms;
    if (in->throughput) {
        d->rcu = (uint64_t)in->throughput->read_units.value;
        d->wcu = (uint64_t)in->throughput->write_units.value;
    }
    fill_keys(op, in, c);
    exec__table_write(op, d, 0, create_done);
}
