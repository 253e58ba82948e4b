/* Formats of lib/core: items, numbers, storage keys, expression programs, bodies of log entries,
 * configurations, the mark of a suspect disk. */
#include "golden.h"

#include "core/disk/disk.h"
#include "core/entry/entry.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"
#include "core/paxos/paxos.h"

#include <string.h>

#define S(text) tc_slice_str(text)

/* ---- items */

static void add(struct item_builder *b, struct tc_buf *value, const char *name) {
    item_builder_add(b, S(name), tc_buf_slice(value));
}

/* One attribute of every type, with the numbers at the edges. */
static void make_item(struct tc_buf *out) {
    struct tc_buf v[12] = {0}, inner = {0};
    struct item_builder b = {0};
    item_put_string(&v[0], S("text"));
    add(&b, &v[0], "s");
    item_put_binary(&v[1], tc_slice("\0\1\xff", 3));
    add(&b, &v[1], "b");
    item_put_bool(&v[2], /* value= */ true);
    add(&b, &v[2], "bool");
    item_put_null(&v[3]);
    add(&b, &v[3], "null");
    OK(item_put_number(&v[4], S("-123.4500")));
    add(&b, &v[4], "n-negative");
    OK(item_put_number(&v[5], S("0")));
    add(&b, &v[5], "n-zero");
    OK(item_put_number(&v[6], S("9.9999999999999999999999999999999999999e125")));
    add(&b, &v[6], "n-large");
    OK(item_put_number(&v[7], S("1e-130")));
    add(&b, &v[7], "n-small");
    item_put_string(&inner, S("in the list"));
    OK(item_put_number(&inner, S("7")));
    item_put_container(&v[8], ITEM_L, 2, tc_buf_slice(&inner));
    add(&b, &v[8], "list");
    tc_buf_clear(&inner);
    item_put_element(&inner, ITEM_SS, S("a"));
    item_put_element(&inner, ITEM_SS, S("bc"));
    item_put_container(&v[9], ITEM_SS, 2, tc_buf_slice(&inner));
    add(&b, &v[9], "strings");
    struct item_builder map = {0};
    item_builder_add(&map, S("list"), tc_buf_slice(&v[8]));
    item_builder_add(&map, S("empty"), tc_buf_slice(&v[3]));
    OK(item_builder_finish_map(&map, &v[10]));
    add(&b, &v[10], "map");
    OK(item_builder_finish(&b, out));
    item_builder_deinit(&b);
    item_builder_deinit(&map);
    tc_buf_deinit(&inner);
    for (size_t i = 0; i < 12; i++)
        tc_buf_deinit(&v[i]);
}

static void test_item(void **state) {
    (void)state;
    struct tc_buf item = {0}, file = {0};
    make_item(&item);
    golden_same("item-v1", tc_buf_slice(&item));
    golden_read("item-v1", &file);
    OK(item_check(tc_buf_slice(&file)));
    struct item_value v;
    assert_true(item_get(tc_buf_slice(&file), S("map"), &v));
    assert_int_equal(item_value_count(v), 2);
    assert_true(item_get(tc_buf_slice(&file), S("strings"), &v));
    assert_true(item_set_has(v, S("bc")));
    tc_buf_deinit(&item);
    tc_buf_deinit(&file);
}

static void test_storage_key(void **state) {
    (void)state;
    struct tc_buf key = {0}, value = {0}, file = {0};
    item_put_binary(&value, tc_slice("p\0q", 3));
    key_append_hash(&key, item_value_at(tc_buf_slice(&value)));
    tc_buf_clear(&value);
    OK(item_put_number(&value, S("-42")));
    key_append_range(&key, item_value_at(tc_buf_slice(&value)));
    golden_same("storage-key-v1", tc_buf_slice(&key));
    golden_read("storage-key-v1", &file);
    size_t range_at = 0;
    OK(key_check(tc_buf_slice(&file), &range_at));
    assert_true(range_at > 8 && range_at < file.len);
    tc_buf_deinit(&key);
    tc_buf_deinit(&value);
    tc_buf_deinit(&file);
}

/* ---- expression programs */

static void compile(enum expr_kind kind, const char *text, struct tc_buf *out) {
    static struct tc_arena scratch;
    struct tc_buf five = {0}, diag = {0};
    OK(item_put_number(&five, S("5")));
    struct expr_binding name = {.token = S("#a"), .target = S("a")};
    struct expr_binding value = {.token = S(":five"), .target = tc_buf_slice(&five)};
    struct expr_bindings names = {.at = &name, .count = 1}, values = {.at = &value, .count = 1};
    tc_arena_init(&scratch, 1 << 20);
    OK(expr_bindings_prepare(&names, '#', &diag));
    OK(expr_bindings_prepare(&values, ':', &diag));
    struct expr_ctx ctx = {.names = &names, .values = &values, .scratch = &scratch};
    OK(expr_compile(kind, S(text), &ctx, out, &diag));
    tc_arena_deinit(&scratch);
    tc_buf_deinit(&five);
    tc_buf_deinit(&diag);
}

static void test_program(void **state) {
    (void)state;
    static const struct {
        enum expr_kind kind;
        const char *file;
        const char *text;
    } programs[] = {
        {EXPR_CONDITION, "program-condition-v1",
         "attribute_not_exists(b) OR (#a BETWEEN :five AND :five AND NOT contains(c.d[2], :five))"},
        {EXPR_UPDATE, "program-update-v1",
         "SET #a = if_not_exists(#a, :five) + :five, m.x = :five REMOVE gone ADD n :five"},
        {EXPR_PROJECTION, "program-projection-v1", "#a, c.d[2], c.e"},
    };
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct tc_buf program = {0}, file = {0};
        compile(programs[i].kind, programs[i].text, &program);
        golden_same(programs[i].file, tc_buf_slice(&program));
        golden_read(programs[i].file, &file);
        OK(expr_check(tc_buf_slice(&file), programs[i].kind));
        tc_buf_deinit(&program);
        tc_buf_deinit(&file);
    }
}

/* A program that was compiled by an earlier version still says what it said. */
static void test_program_means_the_same(void **state) {
    (void)state;
    struct tc_buf program = {0}, item = {0}, five = {0};
    struct item_builder b = {0};
    golden_read("program-condition-v1", &program);
    assert_true(expr_match(tc_buf_slice(&program), TC_SLICE_EMPTY));
    OK(item_put_number(&five, S("5")));
    item_builder_add(&b, S("b"), tc_buf_slice(&five));
    item_builder_add(&b, S("a"), tc_buf_slice(&five));
    OK(item_builder_finish(&b, &item));
    assert_true(expr_match(tc_buf_slice(&program), tc_buf_slice(&item)));
    item_builder_deinit(&b);
    struct item_builder other = {0};
    tc_buf_clear(&item);
    item_builder_add(&other, S("b"), tc_buf_slice(&five));
    OK(item_builder_finish(&other, &item));
    assert_false(expr_match(tc_buf_slice(&program), tc_buf_slice(&item)));
    item_builder_deinit(&other);
    tc_buf_deinit(&program);
    tc_buf_deinit(&item);
    tc_buf_deinit(&five);
}

/* ---- bodies of log entries */

static void test_entry_write(void **state) {
    (void)state;
    struct tc_buf item = {0}, body = {0}, file = {0};
    make_item(&item);
    struct entry_write w = {.hlc_ns = 1700000000000000001u, .old_bytes = 77, .has_old = true};
    w.old_item = tc_buf_slice(&item);
    memcpy(w.request_id, "sixteen bytes id", sizeof w.request_id);
    struct entry_mutation m[] = {
        {.op = ENTRY_PUT, .key = S("12345678a key"), .item = tc_buf_slice(&item)},
        {.op = ENTRY_DELETE, .key = S("12345678other")},
    };
    entry_write_encode(&w, m, 2, &body);
    golden_same("entry-write-v1", tc_buf_slice(&body));
    golden_read("entry-write-v1", &file);
    struct entry_write again;
    OK(entry_write_decode(tc_buf_slice(&file), &again));
    assert_true(again.hlc_ns == w.hlc_ns && again.mutation_count == 2 && again.old_bytes == 77);
    assert_true(again.has_old && tc_slice_eq(again.old_item, tc_buf_slice(&item)));
    struct entry_iter it = entry_iter(&again);
    struct entry_mutation got;
    assert_true(entry_next(&it, &got) && got.op == ENTRY_PUT && tc_slice_eq(got.key, m[0].key));
    assert_true(entry_next(&it, &got) && got.op == ENTRY_DELETE);
    tc_buf_deinit(&item);
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

static void test_entry_scrub(void **state) {
    (void)state;
    struct tc_buf body = {0}, file = {0};
    uint64_t hlc_ns = 0;
    entry_scrub_encode(1700000000000000002u, &body);
    golden_same("entry-scrub-v1", tc_buf_slice(&body));
    golden_read("entry-scrub-v1", &file);
    OK(entry_scrub_decode(tc_buf_slice(&file), &hlc_ns));
    assert_int_equal(hlc_ns, 1700000000000000002u);
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

static void test_entry_split(void **state) {
    (void)state;
    struct tc_buf body = {0}, file = {0};
    struct entry_split split = {
        .hlc_ns = 1700000000000000003u, .gids = {300, 301}, .key = S("12345678a key")};
    struct entry_split again;
    entry_split_encode(&split, &body);
    golden_same("entry-split-v1", tc_buf_slice(&body));
    golden_read("entry-split-v1", &file);
    OK(entry_split_decode(tc_buf_slice(&file), &again));
    assert_true(again.hlc_ns == split.hlc_ns && tc_slice_eq(again.key, split.key));
    assert_true(again.gids[0] == 300 && again.gids[1] == 301);
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

static void test_entry_seal(void **state) {
    (void)state;
    struct tc_buf body = {0}, file = {0};
    struct entry_seal seal = {.hlc_ns = 1700000000000000004u, .left_gid = 300, .merged_gid = 302};
    struct entry_seal again;
    entry_seal_encode(&seal, &body);
    golden_same("entry-seal-v1", tc_buf_slice(&body));
    golden_read("entry-seal-v1", &file);
    OK(entry_seal_decode(tc_buf_slice(&file), &again));
    assert_true(again.hlc_ns == seal.hlc_ns && again.left_gid == 300 && again.merged_gid == 302);
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

static void test_entry_merge(void **state) {
    (void)state;
    struct tc_buf body = {0}, file = {0};
    struct entry_merge merge = {.hlc_ns = 1700000000000000005u,
                                .merged_gid = 302,
                                .epoch = 4,
                                .right_gid = 301,
                                .right_index = 5000,
                                .right_chain = 0x1122334455667788u,
                                .end = S("12345678a key")};
    struct entry_merge again;
    entry_merge_encode(&merge, &body);
    golden_same("entry-merge-v1", tc_buf_slice(&body));
    golden_read("entry-merge-v1", &file);
    OK(entry_merge_decode(tc_buf_slice(&file), &again));
    assert_true(again.hlc_ns == merge.hlc_ns && tc_slice_eq(again.end, merge.end));
    assert_true(again.merged_gid == 302 && again.epoch == 4 && again.right_gid == 301);
    assert_true(again.right_index == 5000 && again.right_chain == merge.right_chain);
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

/* A joint configuration with a log replica in it. */
static struct quorum_config make_config(void) {
    struct quorum_config c = {.version = 9};
    for (uint32_t set = 0; set < 2; set++) {
        c.sets[set].count = 3;
        for (uint32_t i = 0; i < 3; i++) {
            struct quorum_member *m = &c.sets[set].members[i];
            m->rid = set == 1 && i == 2 ? 4 : i + 1;
            m->role = m->rid == 4 ? QUORUM_LOG : QUORUM_STORAGE;
            memset(m->store, (int)('A' + m->rid), sizeof m->store);
            m->zone[0] = (char)('a' + i);
        }
    }
    return c;
}

static void test_entry_conf(void **state) {
    (void)state;
    struct tc_buf body = {0}, file = {0};
    struct quorum_config c = make_config(), again;
    struct tc_slice driver;
    assert_true(quorum_valid(&c));
    paxos_conf_encode(&c, S("driver's own bytes"), &body);
    golden_same("entry-conf-v1", tc_buf_slice(&body));
    golden_read("entry-conf-v1", &file);
    OK(paxos_conf_decode(tc_buf_slice(&file), &again, &driver));
    assert_true(again.version == 9 && again.sets[1].members[2].role == QUORUM_LOG);
    assert_true(tc_slice_eq(driver, S("driver's own bytes")));
    tc_buf_deinit(&body);
    tc_buf_deinit(&file);
}

/* The chain hash is in every record, segment and manifest: it may never change. */
static void test_chain_hash(void **state) {
    (void)state;
    struct paxos_entry e = {
        .index = 5, .ballot = 3u << 24 | 1, .body_crc = 0x12345678, .body_len = 99, .type = 2};
    struct tc_buf chain = {0};
    tc_buf_append_u64(&chain, paxos_chain(7, 0, &e));
    tc_buf_append_u64(&chain, paxos_chain(7, UINT64_MAX, &e));
    golden_same("chain-v1", tc_buf_slice(&chain));
    tc_buf_deinit(&chain);
}

static void test_suspect_record(void **state) {
    (void)state;
    struct disk d, again;
    struct disk_options o = disk_options_default();
    uint8_t bytes[DISK_RECORD_BYTES_MAX];
    struct tc_buf file = {0};
    disk_init(&d, &o);
    disk_init(&again, &o);
    disk_error(&d, 1700000000000000000u);
    disk_error(&d, 1700000001000000000u);
    golden_same("suspect-record-v1", tc_slice(bytes, disk_record_encode(&d, bytes)));
    golden_read("suspect-record-v1", &file);
    OK(disk_record_decode(&again, tc_buf_slice(&file)));
    assert_int_equal(disk_errors(&again, 1700000002000000000u), 2);
    tc_buf_deinit(&file);
}

int core_formats(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item),           cmocka_unit_test(test_storage_key),
        cmocka_unit_test(test_program),        cmocka_unit_test(test_program_means_the_same),
        cmocka_unit_test(test_entry_write),    cmocka_unit_test(test_entry_scrub),
        cmocka_unit_test(test_entry_conf),     cmocka_unit_test(test_chain_hash),
        cmocka_unit_test(test_suspect_record), cmocka_unit_test(test_entry_split),
        cmocka_unit_test(test_entry_seal),     cmocka_unit_test(test_entry_merge),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
