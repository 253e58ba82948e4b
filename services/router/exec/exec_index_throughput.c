/* Throughput of a global index, in a table's record. */
#include "exec_table_index.h"

static enum api_error set_maximum(const struct exec_settings *c, const struct api_integer *asked,
                                  const char *name, int64_t min, uint64_t *at,
                                  const Tercet__Pb__IndexDescriptor *x) {
    if (!asked->set)
        return API_OK;
    if (asked->value < min || asked->value == 0)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES "Requested %s for OnDemandThroughput for index %s "
                                                "is outside of valid range",
                            name, x->name);
    if (asked->value > (int64_t)c->limits->table_units_max)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                            "Subscriber limit exceeded: Requested %s for OnDemandThroughput for "
                            "index %s exceeds what a table of the account can have",
                            name, x->name);
    *at = asked->value > 0 ? (uint64_t)asked->value : 0;
    return API_OK;
}

enum api_error exec__index_set_units(const struct exec_settings *c,
                                     const struct api_throughput *asked,
                                     Tercet__Pb__IndexDescriptor *x) {
    enum api_error refused = exec__check_units(c, asked);
    if (refused)
        return refused;
    x->rcu = (uint64_t)asked->read_units.value;
    x->wcu = (uint64_t)asked->write_units.value;
    return API_OK;
}

static enum api_error set_maxima(const struct exec_settings *c, const struct api_on_demand *asked,
                                 bool on_demand, bool creating, Tercet__Pb__IndexDescriptor *x) {
    int64_t min = creating ? 1 : -1;
    bool any = asked->max_read_units.set || asked->max_write_units.set;
    if (any && !on_demand)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "OnDemandThroughput for index %s cannot be specified when table "
                            "BillingMode is PROVISIONED",
                            x->name);
    enum api_error refused =
        set_maximum(c, &asked->max_read_units, "MaxReadRequestUnits", min, &x->max_read_units, x);
    return refused ? refused
                   : set_maximum(c, &asked->max_write_units, "MaxWriteRequestUnits", min,
                                 &x->max_write_units, x);
}

static enum api_error set_warm_unit(const struct exec_settings *c, const struct api_integer *asked,
                                    uint64_t now, uint64_t *at) {
    if (!asked->set)
        return API_OK;
    if (asked->value < 0 || (uint64_t)asked->value < now)
        return exec__refuse(c->diag, API_VALIDATION,
                            EXEC_INVALID_VALUES
                            "Requested WarmThroughput for index is lower than what it has already");
    if ((uint64_t)asked->value > c->limits->table_units_max)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                            "Subscriber limit exceeded: Requested WarmThroughput for index exceeds "
                            "what a table of the account can have");
    *at = (uint64_t)asked->value;
    return API_OK;
}

static enum api_error set_warm(const struct exec_settings *c, const struct api_warm *asked,
                               bool on_demand, Tercet__Pb__IndexDescriptor *x) {
    uint64_t reads = exec__index_warm_read(x, on_demand);
    uint64_t writes = exec__index_warm_write(x, on_demand);
    enum api_error refused = set_warm_unit(c, &asked->read_units, reads, &x->warm_read_units);
    return refused ? refused : set_warm_unit(c, &asked->write_units, writes, &x->warm_write_units);
}

uint64_t exec__index_warm_read(const Tercet__Pb__IndexDescriptor *x, bool on_demand) {
    uint64_t now = on_demand ? API_ON_DEMAND_READ_UNITS : x->rcu;
    return x->warm_read_units > now ? x->warm_read_units : now;
}

uint64_t exec__index_warm_write(const Tercet__Pb__IndexDescriptor *x, bool on_demand) {
    uint64_t now = on_demand ? API_ON_DEMAND_WRITE_UNITS : x->wcu;
    return x->warm_write_units > now ? x->warm_write_units : now;
}

enum api_error exec__index_set_limits(const struct exec_settings *c,
                                      const struct api_on_demand *maxima,
                                      const struct api_warm *warm, bool on_demand, bool creating,
                                      Tercet__Pb__IndexDescriptor *x) {
    enum api_error refused = maxima ? set_maxima(c, maxima, on_demand, creating, x) : API_OK;
    return refused || warm == NULL ? refused : set_warm(c, warm, on_demand, x);
}
