#include "tests.h"

#include "router/exec/exec_table.h"

enum {
    NOON_MS = 12 * 3600 * 1000,
    HOUR_MS = 3600 * 1000,
    DAY_MS = 24 * HOUR_MS,
};

static const struct exec_limits limits = {40000, 80000, 2500};
#define START_MS (UINT64_C(20000) * DAY_MS + NOON_MS)

struct fixture {
    struct tc_buf diag;
    struct exec_settings c;
    Tercet__Pb__TableDescriptor *d;
};

static struct fixture begin(bool on_demand, uint64_t rcu, uint64_t wcu) {
    static struct tc_buf diag;
    struct fixture f = {.d = calloc(1, sizeof *f.d)};
    tc_buf_clear(&diag);
    f.c = (struct exec_settings){&diag, START_MS, TC_SLICE_LIT("eu-west-1"), &limits};
    tercet__pb__table_descriptor__init(f.d);
    f.d->billing = on_demand ? TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND
                             : TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    f.d->rcu = rcu;
    f.d->wcu = wcu;
    assert_int_equal(exec__start_warm(&f.c, NULL, f.d), API_OK);
    return f;
}

static void end(struct fixture *f) {
    tercet__pb__table_descriptor__free_unpacked(f->d, NULL);
    tc_buf_deinit(f->c.diag);
}

static enum api_error units(struct fixture *f, int64_t rcu, int64_t wcu) {
    struct api_throughput t = {{true, rcu}, {true, wcu}};
    struct api_update_table in = {.throughput = &t};
    return exec__set_billing(&f->c, &in, f->d);
}

static enum api_error mode(struct fixture *f, unsigned billing, int64_t units_each) {
    struct api_throughput t = {{true, units_each}, {true, units_each}};
    struct api_update_table in = {.billing_mode = billing, .throughput = units_each ? &t : NULL};
    return exec__set_billing(&f->c, &in, f->d);
}

static void refused(struct fixture *f, enum api_error got, enum api_error wanted,
                    const char *text) {
    struct tc_slice diag = tc_buf_slice(f->c.diag);
    if (got != wanted || !tc_slice_has_prefix(diag, tc_slice_str(text)))
        fail_msg("error %d, %.*s", (int)got, TC_SLICE_ARGS(diag));
}

/* Four at once, then one an hour, and all anew when a UTC day begins. */
void settings_decreases(void **state) {
    (void)state;
    struct fixture f = begin(false, 20, 20);
    for (int i = 1; i <= 4; i++)
        assert_int_equal(units(&f, 20 - i, 20 - i), API_OK); /* both count as one */
    assert_int_equal(f.d->decreases_today, 4);
    f.c.now_ms = START_MS + HOUR_MS - 1;
    refused(&f, units(&f, 15, 16), API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
            "given UTC day. After the first 4 decreases, each subsequent decrease in the same UTC "
            "day can be performed at most once every 3600 seconds. Number of decreases today: 4. "
            "Last decrease at Friday, October 4, 2024 at 12:00:00 PM Coordinated Universal "
            "Time. Next decrease can be made at Friday, October 4, 2024 at 1:00:00 PM "
            "Coordinated Universal Time.");
    assert_int_equal(f.d->decreases_today, 4);
    refused(&f, units(&f, 15, 30), API_LIMIT_EXCEEDED, "Subscriber limit exceeded");
    assert_int_equal(units(&f, 17, 17), API_OK); /* more is always allowed */
    f.c.now_ms = START_MS + HOUR_MS;
    assert_int_equal(units(&f, 10, 10), API_OK);
    assert_int_equal(f.d->decreases_today, 5);
    refused(&f, units(&f, 9, 9), API_LIMIT_EXCEEDED, "Subscriber limit exceeded");
    f.c.now_ms = START_MS + NOON_MS;
    assert_int_equal(exec__decreases_today(f.d->last_decrease_ms, 5, f.c.now_ms), 0);
    assert_int_equal(units(&f, 9, 9), API_OK);
    assert_int_equal(f.d->decreases_today, 1);
    end(&f);
}

/* 23 hours of one an hour: no more than 27 in a day. */
void settings_decreases_of_a_day(void **state) {
    (void)state;
    struct fixture f = begin(false, 100, 100);
    unsigned taken = 0;
    int64_t left = 100;
    for (uint64_t t = START_MS - NOON_MS; t < START_MS + NOON_MS; t += HOUR_MS / 4) {
        f.c.now_ms = t;
        for (int k = 0; k < 5; k++)
            if (units(&f, left - 1, 100) == API_OK) {
                taken++;
                left--;
            }
    }
    assert_int_equal(taken, 27);
    end(&f);
}

void settings_throughput_limits(void **state) {
    (void)state;
    struct fixture f = begin(false, 5, 5);
    assert_int_equal(units(&f, 40000, 40000), API_OK);
    refused(&f, units(&f, 40001, 1), API_LIMIT_EXCEEDED,
            "The requested ReadCapacityUnits, 40001, is above the per table maximum for the "
            "account in eu-west-1. Per table maximum: 40000.");
    refused(&f, units(&f, 40000, 40000), API_VALIDATION,
            "The provisioned throughput for the table will not change. The requested value equals "
            "the current value. Current ReadCapacityUnits provisioned for the table: 40000. "
            "Requested ReadCapacityUnits: 40000.");
    assert_int_equal(f.d->last_increase_ms, START_MS);
    assert_int_equal(f.d->partitions_wanted, 40);
    end(&f);
}

void settings_billing_switches(void **state) {
    (void)state;
    struct fixture f = begin(false, 5, 5);
    assert_int_equal(f.d->partitions_wanted, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(mode(&f, API_BILLING_ON_DEMAND, 0), API_OK);
        assert_int_equal(f.d->rcu, 0);
        f.d->max_read_units = 7;
        assert_int_equal(mode(&f, API_BILLING_ON_DEMAND, 0), API_OK); /* nothing to change */
        assert_int_equal(f.d->max_read_units, 7);
        assert_int_equal(mode(&f, API_BILLING_PROVISIONED, 3), API_OK);
        assert_int_equal(f.d->max_read_units, 0);
    }
    assert_int_equal(f.d->decreases_today, 0); /* switches are none */
    assert_int_equal(f.d->partitions_wanted, 4);
    assert_int_equal(f.d->warm_read_units, 12000);
    f.c.now_ms = START_MS + DAY_MS - 1;
    refused(&f, mode(&f, API_BILLING_ON_DEMAND, 0), API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to 4 times");
    f.c.now_ms = START_MS + DAY_MS;
    assert_int_equal(mode(&f, API_BILLING_ON_DEMAND, 0), API_OK);
    refused(&f, units(&f, 5, 5), API_VALIDATION,
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor "
            "WriteCapacityUnits can be specified");
    end(&f);
}

static enum api_error maxima(struct fixture *f, int64_t reads, int64_t writes) {
    struct api_on_demand m = {{reads != INT64_MIN, reads}, {writes != INT64_MIN, writes}};
    return exec__set_maxima(&f->c, &m, f->d);
}

void settings_maxima(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    assert_int_equal(maxima(&f, 1, 40000), API_OK);
    assert_int_equal(maxima(&f, 20, INT64_MIN), API_OK);
    assert_int_equal(f.d->max_read_units, 20);
    assert_int_equal(f.d->max_write_units, 40000);
    assert_int_equal(maxima(&f, -1, INT64_MIN), API_OK);
    assert_int_equal(f.d->max_read_units, 0);
    refused(&f, maxima(&f, 0, INT64_MIN), API_VALIDATION,
            "One or more parameter values were invalid: Requested MaxReadRequestUnits for "
            "OnDemandThroughput for table is outside of valid range");
    refused(&f, maxima(&f, INT64_MIN, -2), API_VALIDATION,
            "One or more parameter values were invalid: Requested MaxWriteRequestUnits");
    refused(&f, maxima(&f, INT64_MIN, 40001), API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Requested MaxWriteRequestUnits for OnDemandThroughput for "
            "table exceeds TableMaxWriteCapacityUnits of the account in region eu-west-1");
    end(&f);
    f = begin(false, 1, 1);
    refused(&f, maxima(&f, INT64_MIN, 5), API_VALIDATION,
            "One or more parameter values were invalid: MaxWriteRequestUnits for "
            "OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED");
    end(&f);
}

static enum api_error warm(struct fixture *f, int64_t reads, int64_t writes) {
    struct api_warm w = {{reads >= 0, reads}, {writes >= 0, writes}};
    return exec__set_warm(&f->c, &w, f->d);
}

static void check_warm(const struct fixture *f, uint64_t reads, uint64_t writes, bool growing) {
    struct exec_warm w = exec__warm_now(f->d);
    assert_int_equal(w.read_units, reads);
    assert_int_equal(w.write_units, writes);
    assert_int_equal(w.growing, growing);
}

/* It never falls, and is told as what the partitions of today can take. */
void settings_warm(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    f.d->n_gids = 4; /* only counted here */
    check_warm(&f, 12000, 4000, false);
    assert_int_equal(warm(&f, 12000, 4000), API_OK);
    refused(&f, warm(&f, 11999, -1), API_VALIDATION,
            "One or more parameter values were invalid: Requested ReadUnitsPerSecond for "
            "WarmThroughput for table is lower than current WarmThroughput, decreasing "
            "WarmThroughput is not supported");
    assert_int_equal(warm(&f, -1, 5500), API_OK);
    assert_int_equal(f.d->partitions_wanted, 6);
    check_warm(&f, 12000, 4000, true);
    f.d->n_gids = 6;
    check_warm(&f, 12000, 5500, false);
    assert_int_equal(warm(&f, 40000, 40000), API_OK);
    assert_int_equal(f.d->partitions_wanted, 40);
    refused(&f, warm(&f, 40001, -1), API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for table "
            "exceeds TableMaxReadCapacityUnits");
    f.d->n_gids = 0;
    end(&f);
    f = begin(false, 3, 2);
    f.d->n_gids = 1;
    check_warm(&f, 3, 2, false);
    assert_int_equal(units(&f, 1, 1), API_OK);
    check_warm(&f, 3, 2, false); /* the highest it ever had */
    f.d->n_gids = 0;
    end(&f);
}

/* An operator's merge is not undone by a change that asks for no more. */
void settings_warm_after_merge(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    f.d->n_gids = f.d->partitions_wanted = 2;
    assert_int_equal(mode(&f, API_BILLING_PROVISIONED, 10), API_OK);
    assert_int_equal(f.d->partitions_wanted, 2);
    check_warm(&f, 6000, 2000, false);
    assert_int_equal(warm(&f, 12001, -1), API_OK);
    assert_int_equal(f.d->partitions_wanted, 5);
    f.d->n_gids = 0;
    end(&f);
}

void settings_class(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    assert_int_equal(exec__set_class(&f.c, 1, f.d), API_OK);
    assert_int_equal(f.d->n_class_changes_ms, 0); /* it was that already */
    assert_int_equal(exec__set_class(&f.c, 2, f.d), API_OK);
    assert_string_equal(f.d->table_class, "STANDARD_INFREQUENT_ACCESS");
    assert_int_equal(exec__set_class(&f.c, 1, f.d), API_OK);
    f.c.now_ms = START_MS + UINT64_C(30) * DAY_MS - 1;
    refused(&f, exec__set_class(&f.c, 2, f.d), API_LIMIT_EXCEEDED,
            "Subscriber limit exceeded: Updates to TableClass are limited to 2 times in 30 "
            "day(s).");
    f.c.now_ms++;
    assert_int_equal(exec__set_class(&f.c, 2, f.d), API_OK);
    assert_int_equal(f.d->class_changes_ms[f.d->n_class_changes_ms - 1], f.c.now_ms);
    end(&f);
}

static enum api_error ttl(struct fixture *f, bool enabled, const char *attribute) {
    struct api_ttl_specification s = {enabled ? API_TRUE : API_FALSE, tc_slice_str(attribute)};
    return exec__set_ttl(&f->c, &s, f->d);
}

/* What cannot be is told before that it comes too soon. */
void settings_ttl(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    refused(&f, ttl(&f, false, "t"), API_VALIDATION, "TimeToLive is already disabled");
    assert_int_equal(ttl(&f, true, "t"), API_OK);
    assert_string_equal(f.d->ttl_attribute, "t");
    assert_int_equal(f.d->schema_version, 1);
    refused(&f, ttl(&f, true, "t"), API_VALIDATION, "TimeToLive is already enabled");
    refused(&f, ttl(&f, true, "u"), API_VALIDATION,
            "TimeToLive is active on a different AttributeName: current AttributeName is t");
    refused(&f, ttl(&f, false, "u"), API_VALIDATION,
            "TimeToLive is active on a different AttributeName: current AttributeName is t");
    f.c.now_ms += HOUR_MS - 1;
    refused(&f, ttl(&f, false, "t"), API_VALIDATION,
            "Time to live has been modified multiple times within a fixed interval");
    f.c.now_ms++;
    assert_int_equal(ttl(&f, false, "t"), API_OK);
    assert_string_equal(f.d->ttl_attribute, "");
    assert_int_equal(f.d->schema_version, 2);
    end(&f);
}

void settings_tags(void **state) {
    (void)state;
    struct fixture f = begin(true, 0, 0);
    struct api_tag tags[API_TAGS_MAX + 1];
    static char names[API_TAGS_MAX + 1][8];
    for (int i = 0; i <= API_TAGS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "k%02d", API_TAGS_MAX - i);
        tags[i] = (struct api_tag){tc_slice_str(names[i]), TC_SLICE_LIT("v")};
    }
    struct api_list all = {true, tags, API_TAGS_MAX}, over = {true, &tags[API_TAGS_MAX], 1};
    assert_int_equal(exec__add_tags(&f.c, &all, f.d), API_OK);
    assert_int_equal(exec__add_tags(&f.c, &all, f.d), API_OK); /* the same again */
    assert_int_equal(f.d->n_tags, API_TAGS_MAX);
    for (size_t i = 1; i < f.d->n_tags; i++)
        assert_true(strcmp(f.d->tags[i - 1]->key, f.d->tags[i]->key) < 0);
    struct tc_slice keys[] = {TC_SLICE_LIT("k07"), TC_SLICE_LIT("never"), TC_SLICE_LIT("k07")};
    struct api_slices drop = {true, keys, 3};
    exec__drop_tags(&drop, f.d);
    assert_int_equal(f.d->n_tags, API_TAGS_MAX - 1);
    assert_int_equal(exec__add_tags(&f.c, &over, f.d), API_OK);
    struct api_tag again = {TC_SLICE_LIT("k08"), TC_SLICE_LIT("w")};
    struct api_list one = {true, &again, 1};
    assert_int_equal(exec__add_tags(&f.c, &one, f.d), API_OK);
    assert_string_equal(f.d->tags[7]->value, "w");
    again.key = TC_SLICE_LIT("k07");
    refused(&f, exec__add_tags(&f.c, &one, f.d), API_VALIDATION,
            "Number of Tags exceed the current limit for the provided ResourceArn");
    end(&f);
}
