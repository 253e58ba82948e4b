#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct node_options server_a = {.node = "server-a"};
static const struct node_options client_a = {.node = "client-a"};

void test_unary(void **state) {
    (void)state;
    struct node *s = node_start(&server_a), *c = node_start(&client_a);
    node_serve(s, NULL, 0);
    struct tc_buf out = {0};
    assert_int_equal(
        rpc_unary_wait(c->rpc, s->target, "/tercet.Test/Echo", TC_SLICE_LIT("hi"), 10000, &out),
        TC_OK);
    assert_true(tc_slice_eq(tc_buf_slice(&out), TC_SLICE_LIT("hi")));
    tc_buf_clear(&out);
    assert_int_equal(
        rpc_unary_wait(c->rpc, s->target, "/tercet.Test/Echo", TC_SLICE_LIT("!x"), 10000, &out),
        TC_ESTALE);
    assert_true(tc_slice_eq(tc_buf_slice(&out), TC_SLICE_LIT("!x")));
    tc_buf_clear(&out);
    assert_int_equal(
        rpc_unary_wait(c->rpc, s->target, "/tercet.Test/None", TC_SLICE_EMPTY, 10000, &out),
        TC_EUNSUPPORTED);
    assert_int_equal(
        rpc_unary_wait(c->rpc, s->target, "/tercet.Test/Hold", TC_SLICE_EMPTY, 30, &out),
        TC_ETIMEOUT);
    assert_int_equal(rpc_unary_wait(c->rpc, "nohost", "/a", TC_SLICE_EMPTY, 30, &out), TC_EINVAL);
    /* Over and over: the connection is kept. */
    for (int i = 0; i < 50; i++)
        assert_int_equal(
            rpc_unary_wait(c->rpc, s->target, "/tercet.Test/Echo", TC_SLICE_LIT("y"), 10000, &out),
            TC_OK);
    assert_int_equal(out.len, 50);
    char listen[64];
    snprintf(listen, sizeof listen, "%s", s->target);
    rpc_server_stop(s->server);
    /* A call that still meets the closing connection may have been sent; the ones after it not. */
    tc_err err = TC_ECLOSED;
    for (int i = 0; i < 1000 && err == TC_ECLOSED; i++)
        err = rpc_unary_wait(c->rpc, listen, "/tercet.Test/Echo", TC_SLICE_EMPTY, 10000, &out);
    assert_int_equal(err, TC_EUNAVAILABLE);
    node_serve(s, listen, 0);
    assert_int_equal(
        rpc_unary_wait(c->rpc, listen, "/tercet.Test/Echo", TC_SLICE_EMPTY, 10000, &out), TC_OK);
    tc_buf_deinit(&out);
    node_stop(c);
    node_stop(s);
}

void test_bind(void **state) {
    (void)state;
    struct node *s = node_start(&server_a);
    node_serve(s, NULL, 0);
    struct rpc_server_config c = {.listen = s->target};
    struct rpc_server *second = NULL;
    assert_int_equal(rpc_server_start(s->rpc, &c, &second), TC_EUNAVAILABLE);
    c.listen = "noport";
    assert_int_equal(rpc_server_start(s->rpc, &c, &second), TC_EINVAL);
    assert_null(second);
    node_stop(s);
}

static int shell(const char *folder, const char *script) {
    char command[4096];
    snprintf(command, sizeof command, "cd '%s' && (%s) >/dev/null 2>&1", folder, script);
    FILE *f = popen(command, "r");
    return f ? pclose(f) : -1;
}

static const char make_certificates[] =
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    " -keyout ca.key -out ca.pem -subj /CN=test-ca && "
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
    " -keyout node.key -out node.csr -subj /CN=node && "
    "printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' > ext && "
    "openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
    " -extfile ext -out node.pem && "
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    " -keyout alien.key -out alien.pem -subj /CN=alien";

void test_mutual_tls(void **state) {
    (void)state;
    char folder[] = "/tmp/tercet-rpc-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(shell(folder, make_certificates), 0);
    char cert[64], key[64], ca[64], alien_cert[64], alien_key[64];
    snprintf(cert, sizeof cert, "%s/node.pem", folder);
    snprintf(key, sizeof key, "%s/node.key", folder);
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(alien_cert, sizeof alien_cert, "%s/alien.pem", folder);
    snprintf(alien_key, sizeof alien_key, "%s/alien.key", folder);
    struct node_options o = {.node = "tls", .tls = {cert, key, ca, NULL}};
    struct node *s = node_start(&o), *c = node_start(&o), *plain = node_start(&client_a);
    o.tls.cert_path = alien_cert;
    o.tls.key_path = alien_key;
    struct node *alien = node_start(&o);
    node_serve(s, NULL, 0);
    struct tc_buf out = {0};
    const char *echo = "/tercet.Test/Echo";
    assert_int_equal(rpc_unary_wait(c->rpc, s->target, echo, TC_SLICE_LIT("hi"), 10000, &out),
                     TC_OK);
    assert_int_not_equal(rpc_unary_wait(plain->rpc, s->target, echo, TC_SLICE_EMPTY, 500, &out),
                         TC_OK);
    assert_int_not_equal(rpc_unary_wait(alien->rpc, s->target, echo, TC_SLICE_EMPTY, 500, &out),
                         TC_OK);
    struct tally t;
    tally_init(&t);
    struct rpc_peer *p = peer_to(c, s, &t, 0);
    assert_int_equal(rpc_peer_request(p, KIND_ECHO, TC_SLICE_LIT("x"), 0, tally_done, &t), TC_OK);
    gate_wait(&t.gate, &t.ok, 1);
    struct rpc_config bad = {.self = {.cluster = "test"}, .tls = {cert, NULL, ca, NULL}};
    struct rpc *none = NULL;
    assert_int_equal(rpc_start(&bad, &none), TC_EINVAL);
    bad.tls.key_path = "/nonexistent";
    assert_int_equal(rpc_start(&bad, &none), TC_EINVAL);
    bad.tls.key_path = cert; /* a PEM file, but no key */
    assert_int_equal(rpc_start(&bad, &none), TC_EINVAL);
    tc_buf_deinit(&out);
    node_stop(alien);
    node_stop(plain);
    node_stop(c);
    node_stop(s);
    assert_int_equal(shell(folder, "rm -f *.pem *.key *.csr *.srl ext && rmdir \"$PWD\""), 0);
}

/* ---- files that change under nodes that run */

struct pki {
    char folder[40], cert[64], key[64], ca[64];
    struct rpc_tls tls;
};

/* In a folder of its own; another authority each time. */
static void pki_new(struct pki *k) {
    snprintf(k->folder, sizeof k->folder, "/tmp/tercet-rpc-XXXXXX");
    assert_non_null(mkdtemp(k->folder));
    assert_int_equal(shell(k->folder, make_certificates), 0);
    snprintf(k->cert, sizeof k->cert, "%s/node.pem", k->folder);
    snprintf(k->key, sizeof k->key, "%s/node.key", k->folder);
    snprintf(k->ca, sizeof k->ca, "%s/ca.pem", k->folder);
    k->tls = (struct rpc_tls){k->cert, k->key, k->ca, NULL};
}

static void pki_free(const struct pki *k) {
    assert_int_equal(shell(k->folder, "rm -rf \"$PWD\""), 0);
}

static struct node *tls_node(const struct rpc_tls *tls) {
    struct node_options o = {.node = "tls", .tls = *tls};
    return node_start(&o);
}

static tc_err echo_once(struct node *from, const struct node *to) {
    struct tc_buf out = {0};
    tc_err err =
        rpc_unary_wait(from->rpc, to->target, "/tercet.Test/Echo", TC_SLICE_LIT("hi"), 2000, &out);
    tc_buf_deinit(&out);
    return err;
}

static void echo_on(struct rpc_peer *p, struct tally *t, int count) {
    assert_int_equal(rpc_peer_request(p, KIND_ECHO, TC_SLICE_LIT("x"), 0, tally_done, t), TC_OK);
    gate_wait(&t->gate, &t->ok, count);
}

void test_tls_files_change(void **state) {
    (void)state;
    struct pki ours, later;
    pki_new(&ours);
    pki_new(&later);
    struct node *s = tls_node(&ours.tls), *c = tls_node(&ours.tls), *old = tls_node(&ours.tls);
    struct node *young = tls_node(&later.tls), *young_s = tls_node(&later.tls);
    struct rpc_tls kept = ours.tls; /* nobody changes these two: the same files under other names */
    char kept_cert[64], kept_key[64], kept_ca[64], script[512];
    snprintf(kept_cert, sizeof kept_cert, "%s/kept.pem", ours.folder);
    snprintf(kept_key, sizeof kept_key, "%s/kept.key", ours.folder);
    snprintf(kept_ca, sizeof kept_ca, "%s/kept-ca.pem", ours.folder);
    assert_int_equal(shell(ours.folder, "cp node.pem kept.pem; cp node.key kept.key; "
                                        "cp ca.pem kept-ca.pem"),
                     0);
    kept = (struct rpc_tls){kept_cert, kept_key, kept_ca, NULL};
    struct node *stale = tls_node(&kept);
    node_serve(s, NULL, 0);
    node_serve(young_s, NULL, 0);
    struct tally t, u;
    tally_init(&t);
    tally_init(&u);
    struct rpc_peer *p = peer_to(c, s, &t, 0);
    echo_on(p, &t, 1);
    assert_int_equal(echo_once(stale, s), TC_OK);
    assert_int_not_equal(echo_once(young, s), TC_OK);
    assert_int_not_equal(echo_once(c, young_s), TC_OK);
    /* A key alone fits nothing: what was in force stays, for new connections too. */
    snprintf(script, sizeof script, "cp %s node.key.new && mv node.key.new node.key", later.key);
    assert_int_equal(shell(ours.folder, script), 0);
    assert_int_equal(echo_once(old, s), TC_OK);
    assert_non_null(strstr(s->log, "do not fit together"));
    /* All three: new connections are of the new authority, on both sides; the open one stays. */
    snprintf(script, sizeof script,
             "cp %s a.new && mv a.new node.pem && cp %s b.new && mv b.new ca.pem", later.cert,
             later.ca);
    assert_int_equal(shell(ours.folder, script), 0);
    assert_int_equal(echo_once(young, s), TC_OK);
    struct rpc_peer *q = peer_to(c, young_s, &u, 0);
    echo_on(q, &u, 1);
    assert_int_equal(echo_once(c, young_s), TC_OK);
    echo_on(p, &t, 2);
    struct node *late = tls_node(&kept); /* the old files were copied: they are refused by now */
    assert_int_not_equal(echo_once(late, s), TC_OK);
    node_stop(late);
    node_stop(stale);
    node_stop(young);
    node_stop(old);
    node_stop(c);
    node_stop(young_s);
    node_stop(s);
    pki_free(&ours);
    pki_free(&later);
}
