#include "tests.h"

#include "core/key/key.h"

static Tercet__Pb__KeyAttribute hash_key = {.name = (char *)(uintptr_t) "id",
                                            .type = (char *)(uintptr_t) "S"};
static Tercet__Pb__KeyAttribute sort_key = {.name = (char *)(uintptr_t) "at",
                                            .type = (char *)(uintptr_t) "N"};
static Tercet__Pb__KeyAttribute *keys[] = {&hash_key, &sort_key};
static const Tercet__Pb__TableDescriptor simple = {.n_keys = 1, .keys = keys};
static const Tercet__Pb__TableDescriptor composite = {.n_keys = 2, .keys = keys};

/* Attributes id (S), at (N) and x (S); NULL leaves one out. */
static struct tc_buf item_of(const char *id, const char *at, const char *x) {
    struct item_builder b = {0};
    struct tc_buf id_value = {0}, at_value = {0}, x_value = {0}, out = {0};
    if (id) {
        item_put_string(&id_value, tc_slice_str(id));
        item_builder_add(&b, TC_SLICE_LIT("id"), tc_buf_slice(&id_value));
    }
    if (at) {
        assert_int_equal(item_put_number(&at_value, tc_slice_str(at)), TC_OK);
        item_builder_add(&b, TC_SLICE_LIT("at"), tc_buf_slice(&at_value));
    }
    if (x) {
        item_put_string(&x_value, tc_slice_str(x));
        item_builder_add(&b, TC_SLICE_LIT("x"), tc_buf_slice(&x_value));
    }
    assert_int_equal(item_builder_finish(&b, &out), TC_OK);
    item_builder_deinit(&b);
    tc_buf_deinit(&id_value);
    tc_buf_deinit(&at_value);
    tc_buf_deinit(&x_value);
    return out;
}

/* diag as text, emptied. */
static const char *text(struct tc_buf *diag) {
    static char t[512];
    snprintf(t, sizeof t, "%.*s", (int)diag->len, (const char *)diag->data);
    tc_buf_clear(diag);
    return t;
}

void key_of_item(void **state) {
    (void)state;
    struct tc_buf item = item_of("a", "7", "y"), one = {0}, two = {0}, diag = {0};
    assert_int_equal(exec__key_of_item(&simple, tc_buf_slice(&item), &one, &diag), TC_OK);
    assert_int_equal(exec__key_of_item(&composite, tc_buf_slice(&item), &two, &diag), TC_OK);
    size_t range_at = 0;
    assert_int_equal(key_check(tc_buf_slice(&two), &range_at), TC_OK);
    assert_int_equal(range_at, one.len); /* the same partition key, then the sort key */
    assert_true(tc_slice_has_prefix(tc_buf_slice(&two), tc_buf_slice(&one)));
    struct item_value at;
    assert_true(item_get(tc_buf_slice(&item), TC_SLICE_LIT("at"), &at));
    assert_true(tc_slice_eq(tc_slice(two.data + range_at, two.len - range_at), at.body));
    assert_int_equal(diag.len, 0);
    tc_buf_deinit(&item);
    tc_buf_deinit(&one);
    tc_buf_deinit(&two);
}

static void refused(const Tercet__Pb__TableDescriptor *d, struct tc_buf item, const char *why) {
    struct tc_buf key = {0}, diag = {0};
    assert_int_equal(exec__key_of_item(d, tc_buf_slice(&item), &key, &diag), TC_EINVAL);
    assert_string_equal(text(&diag), why);
    tc_buf_deinit(&key);
    tc_buf_deinit(&diag);
    tc_buf_deinit(&item);
}

void key_of_item_refusals(void **state) {
    (void)state;
    refused(&composite, item_of("a", NULL, "y"),
            "One or more parameter values were invalid: Missing the key at in the item");
    refused(&simple, item_of("", NULL, NULL),
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            "cannot contain an empty string value. Key: id");
    Tercet__Pb__KeyAttribute number = {.name = hash_key.name, .type = sort_key.type};
    Tercet__Pb__KeyAttribute *only[] = {&number};
    Tercet__Pb__TableDescriptor numeric = {.n_keys = 1, .keys = only};
    refused(&numeric, item_of("a", NULL, NULL),
            "One or more parameter values were invalid: Type mismatch for key id expected: N "
            "actual: S");
    static char large[KEY_HASH_BYTES_MAX + 2];
    memset(large, 'k', sizeof large - 1);
    refused(&simple, item_of(large, NULL, NULL),
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum "
            "size limit of2048 bytes");
}

/* A Key parameter names the key attributes and nothing else. */
void key_of_key(void **state) {
    (void)state;
    struct tc_buf full = item_of("a", "7", NULL), more = item_of("a", "7", "y");
    struct tc_buf key = {0}, expected = {0}, diag = {0};
    assert_int_equal(exec__key_of_key(&composite, tc_buf_slice(&full), &key, &diag), TC_OK);
    assert_int_equal(exec__key_of_item(&composite, tc_buf_slice(&more), &expected, &diag), TC_OK);
    assert_true(tc_slice_eq(tc_buf_slice(&key), tc_buf_slice(&expected)));
    const char *why = "The provided key element does not match the schema";
    assert_int_equal(exec__key_of_key(&composite, tc_buf_slice(&more), &key, &diag), TC_EINVAL);
    assert_string_equal(text(&diag), why);
    assert_int_equal(exec__key_of_key(&simple, tc_buf_slice(&full), &key, &diag), TC_EINVAL);
    assert_string_equal(text(&diag), why);
    tc_buf_deinit(&full);
    tc_buf_deinit(&more);
    tc_buf_deinit(&key);
    tc_buf_deinit(&expected);
    tc_buf_deinit(&diag);
}

void key_projected(void **state) {
    (void)state;
    struct tc_buf item = item_of("a", "7", "y"), want = item_of("a", "7", NULL), got = {0};
    exec__project_key(&composite, tc_buf_slice(&item), &got);
    assert_true(tc_slice_eq(tc_buf_slice(&got), tc_buf_slice(&want)));
    struct expr_key_schema s = exec__key_schema(&composite);
    assert_true(tc_slice_eq(s.hash[0].name, TC_SLICE_LIT("id")) && s.hash[0].type == ITEM_S);
    assert_true(tc_slice_eq(s.sort[0].name, TC_SLICE_LIT("at")) && s.sort[0].type == ITEM_N);
    tc_buf_deinit(&item);
    tc_buf_deinit(&want);
    tc_buf_deinit(&got);
}
