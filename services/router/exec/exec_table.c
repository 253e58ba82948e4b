/* Tables: reads and conditional writes of the system table; autoadmin does the rest. */
#include "exec_private.h"

#include "engine/system/system.h"
#include "proto/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* Service quotas of the API's documentation, which SDK tools read. */
enum {
    ACCOUNT_UNITS_MAX = 80000,
    TABLE_UNITS_MAX = 40000,
    ENDPOINT_CACHE_MINUTES = 1440,
};

static uint64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void describe(const Tercet__Pb__TableDescriptor *d, struct tc_slice region,
                     struct api_table_description *ret) {
    *ret = (struct api_table_description){
        .name = tc_slice_str(d->name),
        .region = region,
        .uuid = tc_slice_str(d->uuid),
        .status = (enum api_table_status)d->status,
        .key_count = d->n_keys < 2 ? d->n_keys : 2,
        .on_demand = d->billing == TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND,
        .on_demand_switch_ms = d->on_demand_switch_ms,
        .created_ms = d->created_ms,
        .read_units = d->rcu,
        .write_units = d->wcu,
        .last_increase_ms = d->last_increase_ms,
        .last_decrease_ms = d->last_decrease_ms,
        .decreases_today = d->decreases_today,
        .deletion_protection = d->deletion_protection,
        .table_class = tc_slice_str(d->table_class),
    };
    for (size_t i = 0; i < ret->key_count; i++)
        ret->keys[i] =
            (struct api_table_key){tc_slice_str(d->keys[i]->name), tc_slice_str(d->keys[i]->type)};
}

static void answer_table(struct exec_op *op, const char *member,
                         const Tercet__Pb__TableDescriptor *d) {
    struct api_table_description t;
    describe(d, op->req->region, &t);
    api_write_table(op->req->out, member, &t);
}

typedef void (*call_done)(struct route_call *c, tc_err err, const ProtobufCMessage *reply,
                          const Tercet__Pb__Partition *partition);

static void call_system(struct exec_op *op, Tercet__Pb__ItemOp kind, struct tc_slice name,
                        call_done done) {
    tc_buf_clear(&op->key);
    system_key(&op->key, SYSTEM_KIND_TABLE, name);
    op->call.kind = ROUTE_ITEM;
    op->call.request.item.op = kind;
    op->call.request.item.key = exec__pb(&op->key);
    op->call.request.item.consistent = true;
    op->call.table_id = SYSTEM_TABLE_ID;
    op->call.key = tc_buf_slice(&op->key);
    op->call.deadline_ns = op->deadline_ns;
    op->call.done = done;
    op->call.user = op;
    route_call(op->exec->route, &op->call);
}

static void read_record(struct exec_op *op, struct tc_slice name, call_done done) {
    op->call = (struct route_call){0};
    tercet__pb__item_request__init(&op->call.request.item);
    call_system(op, TERCET__PB__ITEM_OP__ITEM_GET, name, done);
}

/* Write d over the stored version `expected`; op->item and op->programs hold the bytes. */
static void write_record(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                         uint64_t expected, call_done done) {
    struct tc_buf data = {0};
    proto_append(&data, &d->base);
    struct system_record r = {TC_SLICE_LIT(SYSTEM_KIND_TABLE), tc_slice_str(d->name), d->version,
                              tc_buf_slice(&data)};
    tc_buf_clear(&op->item);
    tc_buf_clear(&op->programs.condition);
    system_item(&op->item, &r);
    system_condition(&op->programs.condition, expected);
    tc_buf_deinit(&data);
    op->call = (struct route_call){0};
    tercet__pb__item_request__init(&op->call.request.item);
    op->call.request.item.item = exec__pb(&op->item);
    op->call.request.item.condition = exec__pb(&op->programs.condition);
    call_system(op, TERCET__PB__ITEM_OP__ITEM_PUT, tc_slice_str(d->name), done);
}

/* The descriptor in a reply to read_record; the caller frees it. NULL: the failure was answered. */
static Tercet__Pb__TableDescriptor *take_record(struct exec_op *op, struct tc_slice name,
                                                tc_err err, const ProtobufCMessage *message) {
    const Tercet__Pb__ItemReply *reply = (const Tercet__Pb__ItemReply *)message;
    if (err == TC_OK && !reply->found) {
        exec__fail(op, API_RESOURCE_NOT_FOUND,
                   "Requested resource not found: Table: %.*s not found", TC_SLICE_ARGS(name));
        return NULL;
    }
    struct system_record r;
    Tercet__Pb__TableDescriptor *d = NULL;
    if (err == TC_OK && item_check(proto_slice(reply->new_item)) == TC_OK &&
        system_decode(proto_slice(reply->new_item), &r) == TC_OK)
        d = tercet__pb__table_descriptor__unpack(NULL, r.data.len, r.data.data);
    if (d == NULL)
        exec__storage_error(op, err == TC_OK ? TC_ECORRUPT : err, NULL);
    return d;
}

/* ---- CreateTable ---- */

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
    answer_table(op, "TableDescription", &c->descriptor);
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
    d->created_ms = wall_ms();
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
    write_record(op, d, 0, create_done);
}

/* ---- DescribeTable ---- */

static void describe_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                          const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_table_only *in = op->req->input;
    (void)partition;
    Tercet__Pb__TableDescriptor *d = take_record(op, in->table_name, err, reply);
    if (d == NULL)
        return;
    route_learn_table(op->exec->route, d);
    answer_table(op, "Table", d);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
    exec__complete(op);
}

void exec__describe_table(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    read_record(op, in->table_name, describe_done);
}

/* ---- UpdateTable, DeleteTable: read, change, write if unchanged meanwhile ---- */

struct change {
    Tercet__Pb__TableDescriptor *descriptor;
    uint64_t expected;
};

static void free_change(void *state) {
    struct change *c = state;
    if (c->descriptor)
        tercet__pb__table_descriptor__free_unpacked(c->descriptor, NULL);
    c->descriptor = NULL;
}

static void change_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                        const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    struct change *c = op->state;
    (void)reply;
    (void)partition;
    if (err == TC_ECONDITION) {
        exec__fail(op, API_RESOURCE_IN_USE,
                   "Attempt to change a resource which is still in use: Table is being changed: %s",
                   c->descriptor->name);
        return;
    }
    if (err != TC_OK) {
        exec__storage_error(op, err, NULL);
        return;
    }
    route_learn_table(op->exec->route, c->descriptor);
    answer_table(op, "TableDescription", c->descriptor);
    exec__complete(op);
}

static void write_change(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    struct change *c = tc_arena_calloc(op->req->arena, 1, sizeof *c);
    TC_ASSERT(c != NULL);
    *c = (struct change){.descriptor = d, .expected = d->version};
    op->state = c;
    op->free_state = free_change;
    d->version++;
    write_record(op, d, c->expected, change_done);
}

static bool in_use(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    static const char *const words[] = {"created", "", "updated", "deleted"};
    if (d->status == TERCET__PB__TABLE_STATUS__TABLE_ACTIVE)
        return false;
    exec__fail(op, API_RESOURCE_IN_USE,
               "Attempt to change a resource which is still in use: Table is being %s: %s",
               words[d->status & 3], d->name);
    return true;
}

static void delete_read(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                        const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_table_only *in = op->req->input;
    (void)partition;
    Tercet__Pb__TableDescriptor *d = take_record(op, in->table_name, err, reply);
    if (d == NULL)
        return;
    bool refused = in_use(op, d);
    if (!refused && d->deletion_protection) {
        refused = true;
        exec__fail(op, API_VALIDATION,
                   "Resource cannot be deleted as it is currently protected against deletion. "
                   "Disable deletion protection first.");
    }
    if (refused) {
        tercet__pb__table_descriptor__free_unpacked(d, NULL);
        return;
    }
    d->status = TERCET__PB__TABLE_STATUS__TABLE_DELETING;
    write_change(op, d);
}

void exec__delete_table(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    read_record(op, in->table_name, delete_read);
}

static const char *apply_billing(const struct api_update_table *in, Tercet__Pb__TableDescriptor *d,
                                 bool *ret_changed) {
    bool on_demand = d->billing == TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND;
    bool wanted = in->billing_mode ? in->billing_mode == API_BILLING_ON_DEMAND : on_demand;
    if (wanted && in->throughput)
        return "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
               "WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST";
    if (on_demand && !wanted && !in->throughput)
        return "One or more parameter values were invalid: ProvisionedThroughput must be specified "
               "when BillingMode is PROVISIONED";
    if (wanted == on_demand)
        return NULL;
    *ret_changed = true;
    d->billing = wanted ? TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND
                        : TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    if (wanted) {
        d->on_demand_switch_ms = wall_ms();
        d->rcu = d->wcu = 0;
    }
    return NULL;
}

static const char *apply_throughput(const struct api_update_table *in,
                                    Tercet__Pb__TableDescriptor *d, bool *ret_changed) {
    if (in->throughput == NULL)
        return NULL;
    uint64_t rcu = (uint64_t)in->throughput->read_units.value;
    uint64_t wcu = (uint64_t)in->throughput->write_units.value;
    if (rcu == d->rcu && wcu == d->wcu && !*ret_changed)
        return "The provisioned throughput for the table will not change. The requested value "
               "equals "
               "the current value.";
    if (rcu > d->rcu || wcu > d->wcu)
        d->last_increase_ms = wall_ms();
    if (rcu < d->rcu || wcu < d->wcu) {
        d->last_decrease_ms = wall_ms();
        d->decreases_today++;
    }
    d->rcu = rcu;
    d->wcu = wcu;
    *ret_changed = true;
    return NULL;
}

static const char *apply(const struct api_update_table *in, Tercet__Pb__TableDescriptor *d) {
    bool changed = false;
    const char *problem = apply_billing(in, d, &changed);
    if (problem == NULL)
        problem = apply_throughput(in, d, &changed);
    if (in->deletion_protection) {
        changed = true;
        d->deletion_protection = in->deletion_protection == API_TRUE;
    }
    if (problem == NULL && !changed)
        problem = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                  "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required";
    return problem;
}

static void update_read(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                        const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_update_table *in = op->req->input;
    (void)partition;
    Tercet__Pb__TableDescriptor *d = take_record(op, in->table_name, err, reply);
    if (d == NULL)
        return;
    bool refused = in_use(op, d);
    const char *problem = refused ? NULL : apply(in, d);
    if (problem)
        exec__fail(op, API_VALIDATION, "%s", problem);
    if (refused || problem) {
        tercet__pb__table_descriptor__free_unpacked(d, NULL);
        return;
    }
    d->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    write_change(op, d);
}

void exec__update_table(struct exec_op *op) {
    const struct api_update_table *in = op->req->input;
    read_record(op, in->table_name, update_read);
}

void exec__describe_limits(struct exec_op *op) {
    struct api_limits limits = {ACCOUNT_UNITS_MAX, ACCOUNT_UNITS_MAX, TABLE_UNITS_MAX,
                                TABLE_UNITS_MAX};
    api_write_limits(op->req->out, &limits);
    exec__complete(op);
}

void exec__describe_endpoints(struct exec_op *op) {
    struct tc_slice host = op->req->host.len ? op->req->host : tc_slice_str(op->exec->endpoint);
    api_write_endpoints(op->req->out, host, ENDPOINT_CACHE_MINUTES);
    exec__complete(op);
}
