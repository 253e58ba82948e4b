/* exec__range for every operator: the keys inside are those whose sort key meets the condition. */
#include "tests.h"

#include "base/prng.h"
#include "core/key/key.h"

enum {
    HASHES = 3,
    SORTS = 60,
    SORT_BYTES_MAX = 4,
};

/* A sort key in three forms: as the client's value, as a storage key of each hash, and as what the
 * model compares (bytes, or a number). */
struct sort {
    uint8_t bytes[SORT_BYTES_MAX];
    size_t len;
    int number;
    struct tc_buf encoded;
    struct tc_buf keys[HASHES];
};

struct table {
    enum item_type type;
    struct tc_buf hashes[HASHES];
    struct sort sorts[SORTS];
};

static void random_sort(struct sort *s, enum item_type type, struct tc_prng *prng) {
    static const uint8_t alphabet[] = {0x00, 0x01, 0x7f, 0xff}, letters[] = {'a', 'b', 'y', 'z'};
    s->len = (size_t)tc_prng_between(prng, 1, SORT_BYTES_MAX);
    for (size_t i = 0; i < s->len; i++)
        s->bytes[i] = (type == ITEM_B ? alphabet : letters)[tc_prng_below(prng, 4)];
    s->number = (int)tc_prng_between(prng, 0, 400) - 200;
    char text[16];
    snprintf(text, sizeof text, "%d.%de%d", s->number / 10, abs(s->number) % 10, 3);
    if (s->number < 0 && s->number > -10)
        snprintf(text, sizeof text, "-0.%de3", -s->number);
    if (type == ITEM_N)
        assert_int_equal(item_put_number(&s->encoded, tc_slice_str(text)), TC_OK);
    else if (type == ITEM_B)
        item_put_binary(&s->encoded, tc_slice(s->bytes, s->len));
    else
        item_put_string(&s->encoded, tc_slice(s->bytes, s->len));
}

static void table_init(struct table *t, enum item_type type, struct tc_prng *prng) {
    *t = (struct table){.type = type};
    static const char *const names[HASHES] = {"h", "h2", "other"};
    for (size_t h = 0; h < HASHES; h++)
        item_put_string(&t->hashes[h], tc_slice_str(names[h]));
    for (size_t i = 0; i < SORTS; i++) {
        struct sort *s = &t->sorts[i];
        random_sort(s, type, prng);
        for (size_t h = 0; h < HASHES; h++) {
            key_append_hash(&s->keys[h], item_value_at(tc_buf_slice(&t->hashes[h])));
            key_append_range(&s->keys[h], item_value_at(tc_buf_slice(&s->encoded)));
        }
    }
}

static void table_deinit(struct table *t) {
    for (size_t h = 0; h < HASHES; h++)
        tc_buf_deinit(&t->hashes[h]);
    for (size_t i = 0; i < SORTS; i++) {
        tc_buf_deinit(&t->sorts[i].encoded);
        for (size_t h = 0; h < HASHES; h++)
            tc_buf_deinit(&t->sorts[i].keys[h]);
    }
}

static int order(const struct table *t, const struct sort *a, const struct sort *b) {
    if (t->type == ITEM_N)
        return (a->number > b->number) - (a->number < b->number);
    return tc_slice_cmp(tc_slice(a->bytes, a->len), tc_slice(b->bytes, b->len));
}

static bool meets(const struct table *t, const struct sort *s, enum expr_sort_op op,
                  const struct sort *low, const struct sort *high) {
    switch (op) {
    case EXPR_SORT_ALL:
        return true;
    case EXPR_SORT_EQ:
        return order(t, s, low) == 0;
    case EXPR_SORT_LT:
        return order(t, s, low) < 0;
    case EXPR_SORT_LE:
        return order(t, s, low) <= 0;
    case EXPR_SORT_GT:
        return order(t, s, low) > 0;
    case EXPR_SORT_GE:
        return order(t, s, low) >= 0;
    case EXPR_SORT_BETWEEN:
        return order(t, s, low) >= 0 && order(t, s, high) <= 0;
    case EXPR_SORT_BEGINS_WITH:
        return s->len >= low->len && memcmp(s->bytes, low->bytes, low->len) == 0;
    }
    return false;
}

static void compare(const struct table *t, size_t hash, enum expr_sort_op op,
                    const struct sort *low, const struct sort *high) {
    struct expr_key_range range = {.hash = {tc_buf_slice(&t->hashes[hash])}, .op = op};
    if (op != EXPR_SORT_ALL)
        range.low = tc_buf_slice(&low->encoded);
    if (op == EXPR_SORT_BETWEEN)
        range.high = tc_buf_slice(&high->encoded);
    struct tc_buf start = {0}, end = {0};
    exec__range(&range, &start, &end);
    for (size_t i = 0; i < SORTS; i++)
        for (size_t h = 0; h < HASHES; h++) {
            bool inside = key_in_range(tc_buf_slice(&t->sorts[i].keys[h]), tc_buf_slice(&start),
                                       tc_buf_slice(&end));
            assert_int_equal(inside, h == hash && meets(t, &t->sorts[i], op, low, high));
        }
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}

static void run(enum item_type type, enum expr_sort_op last) {
    struct tc_prng prng = tc_prng(5);
    for (int round = 0; round < 4; round++) {
        struct table t;
        table_init(&t, type, &prng);
        for (unsigned op = EXPR_SORT_ALL; op <= last; op++)
            for (int i = 0; i < 40; i++)
                compare(&t, (size_t)tc_prng_below(&prng, HASHES), (enum expr_sort_op)op,
                        &t.sorts[tc_prng_below(&prng, SORTS)],
                        &t.sorts[tc_prng_below(&prng, SORTS)]);
        table_deinit(&t);
    }
}

void range_of_strings(void **state) {
    (void)state;
    run(ITEM_S, EXPR_SORT_BEGINS_WITH);
}

void range_of_binaries(void **state) {
    (void)state;
    run(ITEM_B, EXPR_SORT_BEGINS_WITH);
}

void range_of_numbers(void **state) {
    (void)state;
    run(ITEM_N, EXPR_SORT_BETWEEN); /* begins_with takes no numbers */
}

/* The buffers given may hold another range. A table without sort keys: the item itself is inside.
 */
void range_without_sort_key(void **state) {
    (void)state;
    struct tc_buf hash = {0}, key = {0}, start = {0}, end = {0};
    tc_buf_append_str(&start, "rest");
    tc_buf_append_str(&end, "rest");
    item_put_string(&hash, TC_SLICE_LIT("k"));
    key_append_hash(&key, item_value_at(tc_buf_slice(&hash)));
    exec__range(&(struct expr_key_range){.hash = {tc_buf_slice(&hash)}}, &start, &end);
    assert_true(tc_slice_eq(tc_buf_slice(&start), tc_buf_slice(&key)));
    assert_true(key_in_range(tc_buf_slice(&key), tc_buf_slice(&start), tc_buf_slice(&end)));
    tc_buf_deinit(&hash);
    tc_buf_deinit(&key);
    tc_buf_deinit(&start);
    tc_buf_deinit(&end);
}
