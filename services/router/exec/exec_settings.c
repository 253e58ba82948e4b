/* Warm throughput, maxima of on-demand tables, table classes, expiry. */
#include "exec_table.h"

#include "core/plan/plan.h"

#define HOUR_MS UINT64_C(3600000)

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* ---- warm throughput: what was provisioned or asked for once is kept ready ---- */

static uint64_t warm_read(const Tercet__Pb__TableDescriptor *d) {
    return most(d->warm_read_units, exec__is_on_demand(d) ? API_ON_DEMAND_READ_UNITS : d->rcu);
}

static uint64_t warm_write(const Tercet__Pb__TableDescriptor *d) {
    return most(d->warm_write_units, exec__is_on_demand(d) ? API_ON_DEMAND_WRITE_UNITS : d->wcu);
}

struct exec_warm exec__warm_now(const Tercet__Pb__TableDescriptor *d) {
    struct exec_warm w = {warm_read(d), warm_write(d), d->n_gids < d->partitions_wanted};
    uint64_t reads = d->n_gids * (uint64_t)PLAN_RCU_PER_PARTITION;
    uint64_t writes = d->n_gids * (uint64_t)PLAN_WCU_PER_PARTITION;
    if (d->n_gids > 0 && w.read_units > reads)
        w.read_units = reads;
    if (d->n_gids > 0 && w.write_units > writes)
        w.write_units = writes;
    return w;
}

void exec__raise_warm(Tercet__Pb__TableDescriptor *d, uint64_t reads, uint64_t writes) {
    bool raised = reads > warm_read(d) || writes > warm_write(d);
    d->warm_read_units = most(warm_read(d), reads);
    d->warm_write_units = most(warm_write(d), writes);
    uint32_t wanted = plan_partitions_for(d->warm_read_units, d->warm_write_units);
    /* What an operator merged stays merged until more is asked for. */
    if (d->partitions_wanted < wanted && (raised || d->n_gids == 0))
        d->partitions_wanted = wanted;
}

static enum api_error check_above(const struct exec_settings *c, const struct api_integer *asked,
                                  const char *name, const char *of, const char *limit) {
    if (!asked->set || asked->value <= (int64_t)c->limits->table_units_max)
        return API_OK;
    return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                        "Subscriber limit exceeded: Requested %s for %s for table exceeds %s of "
                        "the account in region %.*s",
                        name, of, limit, TC_SLICE_ARGS(c->region));
}

static enum api_error check_warm_max(const struct exec_settings *c, const struct api_warm *asked) {
    enum api_error refused = check_above(c, &asked->read_units, "ReadUnitsPerSecond",
                                         "WarmThroughput", "TableMaxReadCapacityUnits");
    return refused ? refused
                   : check_above(c, &asked->write_units, "WriteUnitsPerSecond", "WarmThroughput",
                                 "TableMaxWriteCapacityUnits");
}

enum api_error exec__start_warm(const struct exec_settings *c, const struct api_warm *asked,
                                Tercet__Pb__TableDescriptor *d) {
    const struct api_warm none = {0}, *a = asked ? asked : &none;
    enum api_error refused = check_warm_max(c, a);
    if (refused == API_OK)
        exec__raise_warm(d, a->read_units.set ? (uint64_t)a->read_units.value : 0,
                         a->write_units.set ? (uint64_t)a->write_units.value : 0);
    return refused;
}

static enum api_error check_raised(const struct exec_settings *c, const struct api_integer *asked,
                                   uint64_t now, const char *name) {
    if (!asked->set || (asked->value >= 0 && (uint64_t)asked->value >= now))
        return API_OK;
    return exec__refuse(c->diag, API_VALIDATION,
                        "One or more parameter values were invalid: Requested %s for "
                        "WarmThroughput for table is lower than current WarmThroughput, "
                        "decreasing WarmThroughput is not supported",
                        name);
}

enum api_error exec__set_warm(const struct exec_settings *c, const struct api_warm *asked,
                              Tercet__Pb__TableDescriptor *d) {
    enum api_error refused =
        check_raised(c, &asked->read_units, warm_read(d), "ReadUnitsPerSecond");
    if (refused == API_OK)
        refused = check_raised(c, &asked->write_units, warm_write(d), "WriteUnitsPerSecond");
    return refused ? refused : exec__start_warm(c, asked, d);
}

/* ---- maxima of on-demand tables ---- */

static enum api_error check_maxima(const struct exec_settings *c,
                                   const struct api_on_demand *asked) {
    enum api_error refused = check_above(c, &asked->max_read_units, "MaxReadRequestUnits",
                                         "OnDemandThroughput", "TableMaxReadCapacityUnits");
    return refused ? refused
                   : check_above(c, &asked->max_write_units, "MaxWriteRequestUnits",
                                 "OnDemandThroughput", "TableMaxWriteCapacityUnits");
}

static void keep_maximum(const struct api_integer *asked, uint64_t *at) {
    if (asked->set)
        *at = asked->value > 0 ? (uint64_t)asked->value : 0;
}

enum api_error exec__start_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                  Tercet__Pb__TableDescriptor *d) {
    enum api_error refused = check_maxima(c, asked);
    keep_maximum(&asked->max_read_units, &d->max_read_units);
    keep_maximum(&asked->max_write_units, &d->max_write_units);
    return refused;
}

static enum api_error check_maximum(const struct exec_settings *c, const struct api_integer *asked,
                                    bool on_demand, const char *name) {
    if (!asked->set)
        return API_OK;
    if (!on_demand)
        return exec__refuse(c->diag, API_VALIDATION,
                            "One or more parameter values were invalid: %s for OnDemandThroughput "
                            "cannot be specified when the table BillingMode is PROVISIONED",
                            name);
    if (asked->value == 0 || asked->value < -1)
        return exec__refuse(c->diag, API_VALIDATION,
                            "One or more parameter values were invalid: Requested %s for "
                            "OnDemandThroughput for table is outside of valid range",
                            name);
    return API_OK;
}

/* A member that is not given stays as it is; -1 takes it away. */
enum api_error exec__set_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                Tercet__Pb__TableDescriptor *d) {
    bool on_demand = exec__is_on_demand(d);
    enum api_error refused =
        check_maximum(c, &asked->max_read_units, on_demand, "MaxReadRequestUnits");
    if (refused == API_OK)
        refused = check_maximum(c, &asked->max_write_units, on_demand, "MaxWriteRequestUnits");
    return refused ? refused : exec__start_maxima(c, asked, d);
}

/* ---- table class ---- */

const char *exec__class_name(unsigned table_class) {
    static const char *const names[] = {"", "STANDARD", "STANDARD_INFREQUENT_ACCESS"};
    return names[table_class < 3 ? table_class : 0];
}

enum api_error exec__set_class(const struct exec_settings *c, unsigned table_class,
                               Tercet__Pb__TableDescriptor *d) {
    const char *name = exec__class_name(table_class);
    const char *now = *d->table_class ? d->table_class : exec__class_name(1);
    if (strcmp(name, now) == 0)
        return API_OK;
    enum api_error refused = exec__note_change(
        c, &d->class_changes_ms, &d->n_class_changes_ms, 30 * 24 * HOUR_MS, EXEC_CLASS_CHANGES_MAX,
        "Updates to TableClass are limited to 2 times in 30 day(s).");
    if (refused == API_OK)
        exec__set_text(&d->table_class, tc_slice_str(name));
    return refused;
}

/* ---- expiry ---- */

static enum api_error refuse_ttl(const struct exec_settings *c,
                                 const struct api_ttl_specification *asked,
                                 const Tercet__Pb__TableDescriptor *d) {
    bool same = tc_slice_eq(asked->attribute, tc_slice_str(d->ttl_attribute));
    if (d->ttl_enabled && !same)
        return exec__refuse(c->diag, API_VALIDATION,
                            "TimeToLive is active on a different AttributeName: current "
                            "AttributeName is %s",
                            d->ttl_attribute);
    if (d->ttl_enabled == (asked->enabled == API_TRUE))
        return exec__refuse(c->diag, API_VALIDATION, "TimeToLive is already %s",
                            d->ttl_enabled ? "enabled" : "disabled");
    return API_OK;
}

enum api_error exec__set_ttl(const struct exec_settings *c,
                             const struct api_ttl_specification *asked,
                             Tercet__Pb__TableDescriptor *d) {
    enum api_error refused = refuse_ttl(c, asked, d);
    if (refused)
        return refused;
    if (d->ttl_changed_ms != 0 && c->now_ms - d->ttl_changed_ms < HOUR_MS)
        return exec__refuse(c->diag, API_VALIDATION,
                            "Time to live has been modified multiple times within a fixed "
                            "interval");
    d->ttl_enabled = asked->enabled == API_TRUE;
    exec__set_text(&d->ttl_attribute, d->ttl_enabled ? asked->attribute : TC_SLICE_EMPTY);
    d->ttl_changed_ms = c->now_ms;
    d->schema_version++;
    return API_OK;
}
