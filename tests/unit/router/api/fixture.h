/* Signed HTTP bytes in, answers out, against an executor that keeps items in memory. */
#ifndef TC_TEST_API_FIXTURE_H
#define TC_TEST_API_FIXTURE_H

#include "test_api.h"

#include "base/map.h"
#include "router/api/api.h"
#include "sigv4/sigv4.h"

#include <pthread.h>
#include <string.h>

#define NOW_S 1700000000u
#define T     "DynamoDB_20120810."

/* One table, keyed by attribute k; answers PutItem on a thread of its own to exercise hand-over. */
struct fake {
    struct tc_map items; /* encoded key value -> struct tc_buf with the item */
    pthread_mutex_t lock;
    bool ready;
};

struct fixture {
    struct fake fake;
    struct api *api;
    struct http_server *server;
    struct sigv4 *signer;
    struct tc_buf in;
    int status;
    const char *body;
};

struct call {
    const char *target, *body, *key_id, *secret;
    int64_t skew_s;
    struct tc_slice packed;   /* sent instead of body */
    const char *more_headers; /* not signed */
    const char *type;
};

int fixture_setup(void **state);
int fixture_setup_local(void **state); /* unknown key ids are accepted */
int fixture_teardown(void **state);

/* Send bytes, read to the end, split off status and body. */
void exchange(struct fixture *f, struct tc_slice bytes);
/* The same with a signed call. */
void call(struct fixture *f, struct call c);
void expect(struct fixture *f, int status, const char *part);

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
#define FIXTURE_TEST_LOCAL(f)                                                                      \
    cmocka_unit_test_setup_teardown(f, fixture_setup_local, fixture_teardown)

#endif
