/* Provisioned throughput and billing modes. */
#include "exec_settings.h"
#include "exec_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    HOUR_MS = 3600 * 1000,
    DAY_MS = 24 * HOUR_MS,
    TIME_CHARS = 96,
};

/* As the API's messages have it: Thursday, October 8, 2026 at 11:20:48 PM Coordinated Universal
 * Time */
static const char *when(uint64_t ms, char text[TIME_CHARS]) {
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    time_t s = (time_t)(ms / 1000);
    struct tm t;
    gmtime_r(&s, &t);
    (void)snprintf(text, TIME_CHARS, "%s, %s %d, %d at %d:%02d:%02d %s Coordinated Universal Time",
                   days[t.tm_wday % 7], months[t.tm_mon % 12], t.tm_mday, t.tm_year + 1900,
                   (t.tm_hour + 11) % 12 + 1, t.tm_min, t.tm_sec, t.tm_hour < 12 ? "AM" : "PM");
    return text;
}

uint32_t exec__decreases_today(uint64_t last_decrease_ms, uint32_t decreases, uint64_t now_ms) {
    return last_decrease_ms / DAY_MS == now_ms / DAY_MS ? decreases : 0;
}

static enum api_error check_unit(const struct exec_settings *c, int64_t units, const char *name) {
    if ((uint64_t)units <= c->limits->table_units_max)
        return API_OK;
    return exec__refuse(c->diag, API_LIMIT_EXCEEDED,
                        "The requested %s, %" PRId64 ", is above the per table maximum for the "
                        "account in %.*s. Per table maximum: %" PRIu64 ". " EXEC_MORE_LIMITS,
                        name, units, TC_SLICE_ARGS(c->region), c->limits->table_units_max);
}

enum api_error exec__check_units(const struct exec_settings *c,
                                 const struct api_throughput *asked) {
    enum api_error refused = check_unit(c, asked->read_units.value, "ReadCapacityUnits");
    return refused ? refused : check_unit(c, asked->write_units.value, "WriteCapacityUnits");
}

static enum api_error refuse_same(const struct exec_settings *c,
                                  const Tercet__Pb__TableDescriptor *d) {
    return exec__refuse(
        c->diag, API_VALIDATION,
        "The provisioned throughput for the table will not change. The requested value equals the "
        "current value. Current ReadCapacityUnits provisioned for the table: %" PRIu64
        ". Requested ReadCapacityUnits: %" PRIu64 ". Current WriteCapacityUnits provisioned for "
        "the table: %" PRIu64 ". Requested WriteCapacityUnits: %" PRIu64 ". " EXEC_MORE_LIMITS,
        d->rcu, d->rcu, d->wcu, d->wcu);
}

enum api_error exec__count_decrease(const struct exec_settings *c, uint64_t *last_ms,
                                    uint32_t *decreases) {
    uint64_t last = *last_ms, now = c->now_ms;
    uint32_t today = exec__decreases_today(last, *decreases, now);
    if (today >= EXEC_DECREASES_AT_ONCE && now - last < HOUR_MS) {
        uint64_t tomorrow = (now / DAY_MS + 1) * DAY_MS, hour = last + HOUR_MS;
        char last_text[TIME_CHARS], next_text[TIME_CHARS];
        return exec__refuse(
            c->diag, API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
            "given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC "
            "day can be performed at most once every 3600 seconds. Number of decreases today: %u. "
            "Last decrease at %s. Next decrease can be made at %s.",
            today, when(last, last_text), when(hour < tomorrow ? hour : tomorrow, next_text));
    }
    *decreases = today + 1;
    *last_ms = now;
    return API_OK;
}

static enum api_error set_units(const struct exec_settings *c, const struct api_throughput *asked,
                                bool switched, Tercet__Pb__TableDescriptor *d) {
    uint64_t rcu = (uint64_t)asked->read_units.value, wcu = (uint64_t)asked->write_units.value;
    enum api_error refused = exec__check_units(c, asked);
    if (refused)
        return refused;
    if (!switched && rcu == d->rcu && wcu == d->wcu)
        return refuse_same(c, d);
    if (!switched && (rcu < d->rcu || wcu < d->wcu))
        refused = exec__count_decrease(c, &d->last_decrease_ms, &d->decreases_today);
    if (refused)
        return refused;
    if (!switched && (rcu > d->rcu || wcu > d->wcu))
        d->last_increase_ms = c->now_ms;
    exec__raise_warm(d, rcu, wcu);
    d->rcu = rcu;
    d->wcu = wcu;
    return API_OK;
}

/* Times that still count are kept, and always the newest one. */
enum api_error exec__note_change(const struct exec_settings *c, uint64_t **at, size_t *count,
                                 uint64_t window_ms, size_t max, const char *what) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (c->now_ms < (*at)[i] || c->now_ms - (*at)[i] < window_ms)
            (*at)[kept++] = (*at)[i];
    if (kept >= max)
        return exec__refuse(c->diag, API_LIMIT_EXCEEDED, "Subscriber limit exceeded: %s", what);
    uint64_t *grown = realloc(*at, (kept + 1) * sizeof *grown);
    TC_ASSERT(grown != NULL);
    grown[kept] = c->now_ms;
    *at = grown;
    *count = kept + 1;
    return API_OK;
}

static enum api_error to_on_demand(const struct exec_settings *c, Tercet__Pb__TableDescriptor *d) {
    enum api_error refused =
        exec__note_change(c, &d->on_demand_switches_ms, &d->n_on_demand_switches_ms, DAY_MS,
                          EXEC_ON_DEMAND_SWITCHES_MAX,
                          "Update to PayPerRequest mode are limited to 4 times in 1 day(s).");
    if (refused)
        return refused;
    exec__raise_warm(d, API_ON_DEMAND_READ_UNITS, API_ON_DEMAND_WRITE_UNITS);
    d->billing = TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND;
    d->on_demand_switch_ms = c->now_ms;
    d->rcu = d->wcu = 0;
    return API_OK;
}

enum api_error exec__set_billing(const struct exec_settings *c, const struct api_update_table *in,
                                 Tercet__Pb__TableDescriptor *d) {
    bool on_demand = exec__is_on_demand(d);
    bool wanted = in->billing_mode ? in->billing_mode == API_BILLING_ON_DEMAND : on_demand;
    if (wanted && in->throughput)
        return exec__refuse(c->diag, API_VALIDATION,
                            "One or more parameter values were invalid: Neither ReadCapacityUnits "
                            "nor WriteCapacityUnits can be specified when BillingMode is "
                            "PAY_PER_REQUEST");
    exec__raise_warm(d, 0, 0); /* of the mode as it was */
    if (wanted)
        return on_demand ? API_OK : to_on_demand(c, d);
    if (in->throughput == NULL)
        return API_OK;
    d->billing = TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    if (on_demand)
        d->max_read_units = d->max_write_units = 0;
    return set_units(c, in->throughput, on_demand, d);
}
