/* Indexes in a table's record, and as queries meet them. */
#include "tests.h"

#include "router/exec/exec_index.h"
#include "router/exec/exec_table_index.h"

static const struct exec_limits limits = {40000, 80000, 2500};

struct fixture {
    struct tc_buf diag;
    struct exec_settings c;
    Tercet__Pb__TableDescriptor *d;
};

static struct api_attribute_definition definitions[3];
static struct api_key_element hash[2];
static struct api_projection keys_only = {.type = API_PROJECTION_KEYS_ONLY};
static struct api_throughput units = {{true, 5}, {true, 6}};

/* ACTIVE, with key h (S) and no index. */
static void begin(struct fixture *f, bool on_demand) {
    *f = (struct fixture){0};
    definitions[0] = (struct api_attribute_definition){TC_SLICE_LIT("h"), API_ATTRIBUTE_S};
    definitions[1] = (struct api_attribute_definition){TC_SLICE_LIT("x"), API_ATTRIBUTE_N};
    definitions[2] = (struct api_attribute_definition){TC_SLICE_LIT("y"), API_ATTRIBUTE_B};
    hash[0] = (struct api_key_element){TC_SLICE_LIT("x"), API_KEY_HASH};
    hash[1] = (struct api_key_element){TC_SLICE_LIT("y"), API_KEY_RANGE};
    f->c = (struct exec_settings){&f->diag, 1000, TC_SLICE_LIT("eu-west-1"), &limits};
    f->d = calloc(1, sizeof *f->d);
    tercet__pb__table_descriptor__init(f->d);
    f->d->status = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;
    f->d->billing = on_demand ? TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND
                              : TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    f->d->keys = calloc(1, sizeof *f->d->keys);
    f->d->keys[f->d->n_keys++] = calloc(1, sizeof **f->d->keys);
    tercet__pb__key_attribute__init(f->d->keys[0]);
    exec__set_text(&f->d->keys[0]->name, TC_SLICE_LIT("h"));
    exec__set_text(&f->d->keys[0]->type, TC_SLICE_LIT("S"));
}

static void end(struct fixture *f) {
    tercet__pb__table_descriptor__free_unpacked(f->d, NULL);
    tc_buf_deinit(&f->diag);
}

static struct api_index index_named(const char *name) {
    return (struct api_index){
        .name = tc_slice_str(name), .key_schema = {true, hash, 2}, .projection = &keys_only};
}

static enum api_error update(struct fixture *f, struct api_index_update u) {
    struct api_update_table in = {.attribute_definitions = {true, definitions, 3},
                                  .index_updates = {true, &u, 1}};
    tc_buf_clear(&f->diag);
    return exec__change_indexes(&f->c, &in, f->d);
}

static enum api_error create(struct fixture *f, struct api_index x) {
    return update(f, (struct api_index_update){.create = &x});
}

static enum api_error drop(struct fixture *f, const char *name) {
    struct api_index_delete del = {tc_slice_str(name)};
    return update(f, (struct api_index_update){.del = &del});
}

static void says(const struct fixture *f, const char *text) {
    struct tc_slice diag = tc_buf_slice(&f->diag);
    if (!tc_slice_has_prefix(diag, tc_slice_str(text)))
        fail_msg("%.*s", TC_SLICE_ARGS(diag));
}

void index_is_recorded(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ false);
    struct api_index x = index_named("one");
    assert_int_equal(create(&f, x), API_VALIDATION);
    says(&f, "One or more parameter values were invalid: ProvisionedThroughput must be specified "
             "for index: one");
    x.throughput = &units;
    assert_int_equal(create(&f, x), API_OK);
    const Tercet__Pb__IndexDescriptor *got = f.d->indexes[0];
    assert_string_equal(got->name, "one");
    assert_int_equal(got->id, 1);
    assert_true(got->global);
    assert_int_equal(got->status, TERCET__PB__TABLE_STATUS__TABLE_CREATING);
    assert_int_equal(got->table_id, 0);
    assert_string_equal(got->hash_keys[0]->name, "x");
    assert_string_equal(got->hash_keys[0]->type, "N");
    assert_string_equal(got->range_keys[0]->type, "B");
    assert_int_equal(got->wcu, 6);
    assert_int_equal(f.d->schema_version, 0); /* raised when its groups are there */
    assert_int_equal(create(&f, x), API_VALIDATION);
    says(&f, "Attempting to create an index which already exists");
    end(&f);
}

void index_numbers_go_round(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ true);
    assert_int_equal(create(&f, index_named("kept")), API_OK);
    for (uint32_t i = 2; i <= 300; i++) {
        assert_int_equal(create(&f, index_named("brief")), API_OK);
        assert_int_equal(f.d->indexes[1]->id, i <= 255 ? i : i - 254); /* 1 is in use */
        tercet__pb__index_descriptor__free_unpacked(f.d->indexes[--f.d->n_indexes], NULL);
    }
    end(&f);
}

static enum api_error provision(struct fixture *f, int64_t reads) {
    struct api_throughput asked = {{true, reads}, {true, 6}};
    struct api_index_change change = {.name = TC_SLICE_LIT("one"), .throughput = &asked};
    return update(f, (struct api_index_update){.update = &change});
}

/* Its decreases are counted apart from the table's. */
void index_decreases(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ false);
    struct api_index x = index_named("one");
    x.throughput = &units;
    assert_int_equal(create(&f, x), API_OK);
    f.d->decreases_today = 4;
    for (int64_t reads = 4; reads >= 1; reads--)
        assert_int_equal(provision(&f, reads), API_OK);
    assert_int_equal(f.d->indexes[0]->decreases_today, 4);
    assert_int_equal(provision(&f, 9), API_OK);
    assert_int_equal(provision(&f, 8), API_LIMIT_EXCEEDED);
    says(&f, "Subscriber limit exceeded: Provisioned throughput decreases are limited");
    f.d->indexes[0]->rcu = 9; /* what was refused is not written */
    f.c.now_ms += 3600 * 1000;
    assert_int_equal(provision(&f, 8), API_OK);
    end(&f);
}

void index_maxima_have_bounds(void **state) {
    (void)state;
    static const struct {
        int64_t units;
        enum api_error created, changed;
    } rows[] = {
        {1, API_OK, API_OK},
        {40000, API_OK, API_OK},
        {40001, API_LIMIT_EXCEEDED, API_LIMIT_EXCEEDED},
        {0, API_VALIDATION, API_VALIDATION},
        {-1, API_VALIDATION, API_OK},
        {-2, API_VALIDATION, API_VALIDATION},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct api_on_demand asked = {0};
        struct api_integer maximum = {true, rows[i / 2].units};
        begin(&f, /* on_demand= */ true);
        *(i % 2 ? &asked.max_read_units : &asked.max_write_units) = maximum;
        struct api_index x = index_named("one");
        assert_int_equal(create(&f, x), API_OK);
        struct api_index_change change = {.name = x.name, .on_demand = &asked};
        assert_int_equal(update(&f, (struct api_index_update){.update = &change}),
                         rows[i / 2].changed);
        x.name = TC_SLICE_LIT("two");
        x.on_demand = &asked;
        assert_int_equal(create(&f, x), rows[i / 2].created);
        end(&f);
    }
}

/* What an attribute was first stays, whatever a later request says of it. */
void index_keeps_types(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ true);
    assert_int_equal(create(&f, index_named("first")), API_OK);
    definitions[0].type = API_ATTRIBUTE_N; /* S in the table */
    definitions[1].type = API_ATTRIBUTE_B; /* N in the index */
    hash[1].name = TC_SLICE_LIT("h");
    assert_int_equal(create(&f, index_named("again")), API_OK);
    assert_string_equal(f.d->indexes[1]->hash_keys[0]->type, "N");
    assert_string_equal(f.d->indexes[1]->range_keys[0]->type, "S");
    end(&f);
}

void index_has_limits(void **state) {
    (void)state;
    struct fixture f;
    char name[32];
    begin(&f, /* on_demand= */ true);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "index%d", i);
        assert_int_equal(create(&f, index_named(name)), API_OK);
    }
    assert_int_equal(create(&f, index_named("another")), API_LIMIT_EXCEEDED);
    struct api_index x = index_named("priced");
    x.throughput = &units;
    f.d->n_indexes--;
    tercet__pb__index_descriptor__free_unpacked(f.d->indexes[19], NULL);
    assert_int_equal(create(&f, x), API_VALIDATION);
    says(&f, "One or more parameter values were invalid: ProvisionedThroughput should not be "
             "specified for index: priced when BillingMode is PAY_PER_REQUEST");
    end(&f);
}

void index_is_dropped(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ true);
    assert_int_equal(drop(&f, "one"), API_RESOURCE_NOT_FOUND);
    says(&f, "Requested resource not found");
    assert_int_equal(create(&f, index_named("one")), API_OK);
    Tercet__Pb__IndexDescriptor *x = f.d->indexes[0];
    struct api_index_delete del = {TC_SLICE_LIT("one")};
    struct api_index_update u = {.del = &del};
    struct api_update_table in = {.index_updates = {true, &u, 1}};
    assert_false(exec__deletes_new_index(&in, f.d)); /* its groups are being made */
    x->table_id = 200;
    x->backfilling = true;
    f.d->schema_version = 4;
    assert_true(exec__deletes_new_index(&in, f.d));
    assert_int_equal(drop(&f, "one"), API_OK);
    assert_int_equal(x->status, TERCET__PB__TABLE_STATUS__TABLE_DELETING);
    assert_int_equal(f.d->schema_version, 5); /* the groups knew it */
    assert_false(exec__deletes_new_index(&in, f.d));
    assert_int_equal(drop(&f, "one"), API_OK); /* again: nothing changes */
    assert_int_equal(f.d->schema_version, 5);
    end(&f);
}

void index_throughput_changes(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ false);
    struct api_index x = index_named("one");
    struct api_index_change change = {.name = TC_SLICE_LIT("one"), .throughput = &units};
    x.throughput = &units;
    assert_int_equal(create(&f, x), API_OK);
    f.d->indexes[0]->status = TERCET__PB__TABLE_STATUS__TABLE_ACTIVE;
    assert_int_equal(update(&f, (struct api_index_update){.update = &change}), API_VALIDATION);
    says(&f, "The provisioned throughput for the index one will not change.");
    struct api_throughput more = {{true, 5}, {true, 7}}, beyond = {{true, 5}, {true, 40001}};
    change.throughput = &more;
    assert_int_equal(update(&f, (struct api_index_update){.update = &change}), API_OK);
    assert_int_equal(f.d->indexes[0]->wcu, 7);
    assert_int_equal(f.d->indexes[0]->last_increase_ms, 1000);
    assert_int_equal(f.d->indexes[0]->status, TERCET__PB__TABLE_STATUS__TABLE_UPDATING);
    change.throughput = &beyond;
    assert_int_equal(update(&f, (struct api_index_update){.update = &change}), API_LIMIT_EXCEEDED);
    end(&f);
}

/* The table changes its billing mode, and its indexes with it. */
void index_follows_the_billing_mode(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, /* on_demand= */ true);
    struct api_update_table nothing = {0};
    assert_int_equal(create(&f, index_named("one")), API_OK);
    f.d->billing = TERCET__PB__BILLING_MODE__BILLING_PROVISIONED;
    assert_int_equal(exec__change_indexes(&f.c, &nothing, f.d), API_VALIDATION);
    says(&f, "One or more parameter values were invalid: ProvisionedThroughput must be specified "
             "for index: one");
    struct api_index_change change = {.name = TC_SLICE_LIT("one"), .throughput = &units};
    assert_int_equal(update(&f, (struct api_index_update){.update = &change}), API_OK);
    f.d->billing = TERCET__PB__BILLING_MODE__BILLING_ON_DEMAND;
    assert_int_equal(exec__change_indexes(&f.c, &nothing, f.d), API_OK);
    assert_int_equal(f.d->indexes[0]->wcu, 0);
    end(&f);
}

/* A start key has exactly the keys of table and index, and is the row's own. */
void index_start_keys(void **state) {
    (void)state;
    struct fixture f;
    struct exec_index x = {0};
    struct tc_buf item = {0}, key = {0}, again = {0};
    struct tc_buf value = {0};
    begin(&f, /* on_demand= */ true);
    assert_int_equal(create(&f, index_named("one")), API_OK);
    f.d->indexes[0]->table_id = 200;
    assert_int_equal(schema_of_index(f.d, f.d->indexes[0], &x.schema), TC_OK);
    x.def = &x.schema.defs[0];
    struct item_builder b = {0};
    item_put_string(&value, TC_SLICE_LIT("hash"));
    item_builder_add(&b, TC_SLICE_LIT("h"), tc_buf_slice(&value));
    assert_int_equal(item_builder_finish(&b, &item), TC_OK);
    assert_false(exec__index_start_key(&x, tc_buf_slice(&item), &key));
    tc_buf_clear(&item);
    item_builder_deinit(&b);
    b = (struct item_builder){0};
    item_builder_add(&b, TC_SLICE_LIT("h"), tc_buf_slice(&value));
    struct tc_buf number = {0}, binary = {0};
    assert_int_equal(item_put_number(&number, TC_SLICE_LIT("12")), TC_OK);
    item_put_binary(&binary, TC_SLICE_LIT("\x00\xff"));
    item_builder_add(&b, TC_SLICE_LIT("x"), tc_buf_slice(&number));
    item_builder_add(&b, TC_SLICE_LIT("y"), tc_buf_slice(&binary));
    assert_int_equal(item_builder_finish(&b, &item), TC_OK);
    assert_true(exec__index_start_key(&x, tc_buf_slice(&item), &key));
    exec__index_project_key(&x, tc_buf_slice(&item), &again);
    assert_true(tc_slice_eq(tc_buf_slice(&item), tc_buf_slice(&again)));
    struct expr_key_range range = {.hash = {tc_buf_slice(&number)}};
    struct tc_buf start = {0}, end_key = {0}, prefix = {0};
    exec__index_range(&x, &range, &start, &end_key);
    exec__index_prefix(&x, &range, &prefix);
    assert_true(tc_slice_has_prefix(tc_buf_slice(&key), tc_buf_slice(&prefix)));
    assert_true(tc_slice_cmp(tc_buf_slice(&start), tc_buf_slice(&key)) <= 0);
    assert_true(tc_slice_cmp(tc_buf_slice(&key), tc_buf_slice(&end_key)) < 0);
    struct tc_buf *bufs[] = {&item,   &key,   &again,   &value, &number,
                             &binary, &start, &end_key, &prefix};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        tc_buf_deinit(bufs[i]);
    item_builder_deinit(&b);
    end(&f);
}
