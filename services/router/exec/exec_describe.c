/* DescribeTable, and the description that other operations answer with. */
#include "exec_table.h"

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

void exec__answer_table(struct exec_op *op, const char *member,
                        const Tercet__Pb__TableDescriptor *d) {
    struct api_table_description t;
    describe(d, op->req->region, &t);
    api_write_table(op->req->out, member, &t);
}

static void describe_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                          const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_table_only *in = op->req->input;
    (void)partition;
    Tercet__Pb__TableDescriptor *d = exec__table_take(op, in->table_name, err, reply);
    if (d == NULL)
        return;
    route_learn_table(op->exec->route, d);
    exec__answer_table(op, "Table", d);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
    exec__complete(op);
}

void exec__describe_table(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    exec__table_read(op, in->table_name, describe_done);
}
