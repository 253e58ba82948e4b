/* The layout of a local cluster: ports, arguments, and the file that brings it back. */
#include "ctl/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct layout layout_at(uint16_t port) {
    return (struct layout){
        .port = port, .data = "/d", .archive = "dir:/d/archive", .bin = "/opt/tercet"};
}

static void ports_differ_and_lie_in_their_rows(void **state) {
    (void)state;
    static const uint16_t ports[] = {1024, 8000, 65535 - 300};
    for (size_t p = 0; p < 3; p++) {
        struct layout l = layout_at(ports[p]);
        bool seen[300] = {false};
        assert_int_equal(layout_init(&l), TC_OK);
        assert_true(l.count > 0 && l.count <= LAYOUT_DAEMONS_MAX);
        for (size_t i = 0; i < l.count; i++) {
            const struct layout_daemon *d = &l.daemons[i];
            const uint16_t of[] = {d->rpc_port, d->admin_port, d->http_port};
            static const int from[] = {100, 200, 0};
            for (size_t k = 0; k < 3; k++) {
                int at = of[k] - l.port;
                if (k == 2 && of[k] == 0)
                    continue;
                assert_true(at >= from[k] && at < from[k] + 100);
                assert_false(seen[at]);
                seen[at] = true;
            }
            assert_int_equal(d->http_port != 0, strcmp(d->kind, "router") == 0);
            assert_ptr_equal(layout_find(&l, d->node), d);
        }
        assert_null(layout_find(&l, "storage-z"));
    }
}

static void cluster_that_grows_keeps_its_ports(void **state) {
    (void)state;
    struct layout small = layout_at(8000), large = layout_at(8000);
    large.nodes_per_zone = LAYOUT_NODES_PER_ZONE_MAX;
    assert_int_equal(layout_init(&small), TC_OK);
    assert_int_equal(layout_init(&large), TC_OK);
    assert_int_equal(small.nodes_per_zone, 1);
    assert_int_equal(large.count, small.count + 3 * (LAYOUT_NODES_PER_ZONE_MAX - 1));
    for (size_t i = 0; i < small.count; i++) {
        assert_string_equal(large.daemons[i].node, small.daemons[i].node);
        assert_int_equal(large.daemons[i].rpc_port, small.daemons[i].rpc_port);
    }
    assert_null(layout_find(&small, "storage-b2"));
    const struct layout_daemon *d = layout_find(&large, "storage-b2");
    assert_non_null(d);
    assert_int_equal(d->zone, 'b');
    large.nodes_per_zone++;
    assert_int_equal(layout_init(&large), TC_EINVAL);
}

static void ports_that_do_not_fit(void **state) {
    (void)state;
    static const uint16_t ports[] = {0, 1023, 65535 - 299, 65535};
    for (size_t p = 0; p < 4; p++) {
        struct layout l = layout_at(ports[p]);
        assert_int_equal(layout_init(&l), TC_EINVAL);
    }
}

/* The argument behind option, or NULL. */
static const char *option(const struct layout_args *a, const char *name) {
    for (size_t i = 0; i + 1 < a->count; i++)
        if (strcmp(layout_arg(a, i), name) == 0)
            return layout_arg(a, i + 1);
    return NULL;
}

static void list_of(const struct layout *l, const char *kind, bool http, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->daemons[i].kind, kind) == 0)
            used += (size_t)snprintf(out + used, size - used, "%s127.0.0.1:%u", used ? "," : "",
                                     http ? l->daemons[i].http_port : l->daemons[i].rpc_port);
}

static void arguments_name_the_others(void **state) {
    (void)state;
    struct layout l = layout_at(8000);
    assert_int_equal(layout_init(&l), TC_OK);
    static const struct {
        const char *node, *option, *kind;
        bool http;
    } rows[] = {
        {"router-b", "--memds", "memds", false},        {"router-a", "--gac", "gac", false},
        {"storage-c", "--archiver", "archiver", false}, {"storage-a", "--memds", "memds", false},
        {"autoadmin-a", "--storage", "storage", false}, {"canary-a", "--routers", "router", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct layout_daemon *d = layout_find(&l, rows[i].node);
        struct layout_args a = {0};
        char list[256];
        assert_non_null(d);
        layout_args(&l, d, &a);
        list_of(&l, rows[i].kind, rows[i].http, list, sizeof list);
        assert_string_equal(option(&a, rows[i].option), list);
        assert_string_equal(option(&a, "--node"), rows[i].node);
        assert_true(option(&a, "--data") != NULL && option(&a, "--admin-listen") != NULL);
        assert_int_equal(option(&a, "--http-listen") != NULL, d->http_port != 0);
        layout_args_deinit(&a);
    }
}

static void archive_is_passed_on(void **state) {
    (void)state;
    struct layout l = layout_at(8000);
    assert_int_equal(layout_init(&l), TC_OK);
    struct layout_args a = {0};
    layout_args(&l, layout_find(&l, "archiver-a"), &a);
    assert_string_equal(layout_arg(&a, 0), "/opt/tercet/tercet-archiver");
    assert_string_equal(option(&a, "--archive"), "dir:/d/archive");
    assert_string_equal(option(&a, "--data"), "/d/archiver-a");
    layout_args_deinit(&a);
}

static void write_conf(const char *folder, const char *text) {
    char path[128];
    snprintf(path, sizeof path, "%s/cluster.conf", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void saved_and_loaded(void **state) {
    (void)state;
    char folder[] = "/tmp/tercet-layout-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    struct layout l = layout_at(9100), again = {0};
    snprintf(l.data, sizeof l.data, "%s", folder);
    snprintf(again.data, sizeof again.data, "%s", folder);
    assert_int_equal(layout_load(&again), TC_ENOTFOUND);
    assert_int_equal(layout_init(&l), TC_OK);
    assert_int_equal(layout_save(&l), TC_OK);
    assert_int_equal(layout_load(&again), TC_OK);
    assert_int_equal(again.port, 9100);
    assert_string_equal(again.archive, l.archive);
    assert_int_equal(again.count, l.count);
    static const char *const bad[] = {"", "port = 70000\n", "port = 9100x\n", "port = -1\n"};
    for (size_t i = 0; i < 4; i++) {
        struct layout broken = {0};
        snprintf(broken.data, sizeof broken.data, "%s", folder);
        write_conf(folder, bad[i]);
        assert_int_equal(layout_load(&broken), TC_EINVAL);
    }
    snprintf(path, sizeof path, "%s/cluster.conf", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_differ_and_lie_in_their_rows),
        cmocka_unit_test(ports_that_do_not_fit),
        cmocka_unit_test(cluster_that_grows_keeps_its_ports),
        cmocka_unit_test(arguments_name_the_others),
        cmocka_unit_test(archive_is_passed_on),
        cmocka_unit_test(saved_and_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
