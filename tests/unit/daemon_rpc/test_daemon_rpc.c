#include "daemon/rpc/daemon_rpc.h"
#include "rpc/peer.h"
#include "rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static void ignore_frames(void *user, struct rpc_conn *conn, struct rpc_frames *frames) {
    (void)user, (void)conn;
    rpc_frames_unref(frames);
}

static bool exported(struct daemon *d, const char *line) {
    struct tc_buf text = {0};
    daemon_metrics_text(d->metrics, &text);
    tc_buf_append_u8(&text, 0);
    bool found = strstr((const char *)text.data, line) != NULL;
    tc_buf_deinit(&text);
    return found;
}

/* A node that connects to itself: the totals move and are exported, also after the stop. */
static void test_totals(void **state) {
    (void)state;
    static struct daemon_rpc r;
    struct daemon_spec spec = {.name = "self",
                               .summary = "talks to itself",
                               .shared_metrics = daemon_rpc_metrics_table(),
                               .shared_metrics_values = &r.metrics};
    struct daemon d;
    int code = 0;
    char name[] = "self", level[] = "--log-level=error", *argv[] = {name, level, NULL};
    assert_true(daemon_setup(&d, &spec, 2, argv, &code));
    assert_int_equal(daemon_rpc_start(&r, &d), TC_OK);
    struct rpc_server_config listen = {.listen = "127.0.0.1:0", .on_frames = ignore_frames};
    struct rpc_server *server = NULL;
    assert_int_equal(rpc_server_start(r.rpc, &listen, &server), TC_OK);
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%u", rpc_server_port(server));
    struct rpc_peer_config to_self = {.target = target, .node = "self-a"};
    struct rpc_peer *peer = NULL;
    assert_int_equal(rpc_peer_open(r.rpc, &to_self, &peer), TC_OK);
    while (rpc_peer_state(peer) != RPC_PEER_UP || !exported(&d, "tercet_rpc_peers_up 1\n"))
        ;
    assert_true(exported(&d, "tercet_rpc_conns_open 1\n"));
    assert_true(exported(&d, "# TYPE tercet_rpc_frames_sent_total counter\n"));
    daemon_rpc_stop(&r);
    assert_true(exported(&d, "tercet_rpc_peers_up 0\n"));
    daemon_rpc_stop(&r);
    assert_int_equal(daemon_teardown(&d), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_totals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
