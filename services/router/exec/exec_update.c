/* UpdateTable. */
#include "exec_table.h"

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
        d->on_demand_switch_ms = exec__wall_ms();
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
        d->last_increase_ms = exec__wall_ms();
    if (rcu < d->rcu || wcu < d->wcu) {
        d->last_decrease_ms = exec__wall_ms();
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

static enum api_error change(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    enum api_error refused = exec__refuse_in_use(op, d);
    if (refused)
        return refused;
    const char *problem = apply(op->req->input, d);
    if (problem)
        return exec__refuse(op, API_VALIDATION, "%s", problem);
    d->status = TERCET__PB__TABLE_STATUS__TABLE_UPDATING;
    return API_OK;
}

static void answer(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    exec__answer_table(op, "TableDescription", d);
}

void exec__update_table(struct exec_op *op) {
    const struct api_update_table *in = op->req->input;
    exec__table_change(op, &(struct exec_change){in->table_name, change, answer});
}
