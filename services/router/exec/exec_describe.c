/* DescribeTable, and the description that other operations answer with. */
#include "env/posix/posix.h"
#include "exec_table_index.h"

static void add_keys(const Tercet__Pb__TableDescriptor *d, struct api_table_description *t) {
    t->key_count = d->n_keys < 2 ? d->n_keys : 2;
    for (size_t i = 0; i < t->key_count; i++)
        t->keys[i] =
            (struct api_table_key){tc_slice_str(d->keys[i]->name), tc_slice_str(d->keys[i]->type)};
}

static void add_throughput(const Tercet__Pb__TableDescriptor *d, struct api_table_description *t) {
    t->on_demand = exec__is_on_demand(d);
    t->on_demand_switch_ms = d->on_demand_switch_ms;
    t->read_units = d->rcu;
    t->write_units = d->wcu;
    t->last_increase_ms = d->last_increase_ms;
    t->last_decrease_ms = d->last_decrease_ms;
    t->decreases_today =
        exec__decreases_today(d->last_decrease_ms, d->decreases_today, posix_wall_ms());
    t->max_read_units = (int64_t)d->max_read_units;
    t->max_write_units = (int64_t)d->max_write_units;
    struct exec_warm warm = exec__warm_now(d);
    t->warm_read_units = warm.read_units;
    t->warm_write_units = warm.write_units;
    t->warm_growing = warm.growing;
}

struct api_table_description exec__description(struct exec_op *op,
                                               const Tercet__Pb__TableDescriptor *d,
                                               const Tercet__Pb__TableCount *count) {
    struct api_table_description t = {
        .name = tc_slice_str(d->name),
        .region = op->req->region,
        .uuid = tc_slice_str(d->uuid),
        .status = (enum api_table_status)d->status,
        .created_ms = d->created_ms,
        .deletion_protection = d->deletion_protection,
        .table_class = tc_slice_str(d->table_class),
        .item_count = count ? count->items : 0,
        .size_bytes = count ? count->bytes : 0,
    };
    if (d->n_class_changes_ms > 0)
        t.class_changed_ms = d->class_changes_ms[d->n_class_changes_ms - 1];
    add_keys(d, &t);
    add_throughput(d, &t);
    exec__describe_indexes(op, d, count, &t);
    return t;
}

static void described(struct exec_op *op, const Tercet__Pb__TableDescriptor *d,
                      const Tercet__Pb__TableCount *count) {
    struct api_table_description t = exec__description(op, d, count);
    api_write_table(op->req->out, "Table", &t);
    exec__complete(op);
}

void exec__describe_table(struct exec_op *op) {
    const struct api_table_only *in = op->req->input;
    exec__table_describe(op, in->table_name, described);
}
