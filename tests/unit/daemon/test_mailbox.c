#include "tests.h"

#include "daemon/worker.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

static int entries[8];

void test_mailbox_bound(void **state) {
    (void)state;
    struct daemon_mailbox *b = NULL;
    struct daemon_mailbox_config none = {0};
    assert_int_equal(daemon_mailbox_new(&none, &b), TC_EINVAL);
    struct daemon_mailbox_config c = {.count_max = 2, .reserve_count = 1};
    assert_int_equal(daemon_mailbox_new(&c, &b), TC_OK);
    assert_int_equal(daemon_mailbox_post(b, &entries[0]), TC_OK);
    assert_int_equal(daemon_mailbox_post(b, &entries[1]), TC_OK);
    assert_int_equal(daemon_mailbox_post(b, &entries[2]), TC_EBUSY);
    assert_int_equal(daemon_mailbox_post_reserved(b, &entries[2]), TC_OK);
    assert_int_equal(daemon_mailbox_post_reserved(b, &entries[3]), TC_EBUSY);
    void **got = NULL;
    assert_int_equal(daemon_mailbox_wait(b, UINT64_MAX, &got), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(got[i], &entries[i]);
    assert_int_equal(daemon_mailbox_wait(b, daemon_now_ns(), &got), 0);
    assert_int_equal(daemon_mailbox_post(b, &entries[4]), TC_OK);
    daemon_mailbox_close(b);
    assert_int_equal(daemon_mailbox_post(b, &entries[5]), TC_ECLOSED);
    assert_int_equal(daemon_mailbox_wait(b, UINT64_MAX, &got), 1);
    assert_int_equal(daemon_mailbox_wait(b, UINT64_MAX, &got), 0);
    daemon_mailbox_free(b);
}

static bool readable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

void test_mailbox_eventfd(void **state) {
    (void)state;
    struct daemon_mailbox *b = NULL;
    struct daemon_mailbox_config c = {.count_max = 4, .eventfd = true};
    void **got = NULL;
    assert_int_equal(daemon_mailbox_new(&c, &b), TC_OK);
    int fd = daemon_mailbox_fd(b);
    assert_false(readable(fd));
    assert_int_equal(daemon_mailbox_post(b, &entries[0]), TC_OK);
    assert_int_equal(daemon_mailbox_post(b, &entries[1]), TC_OK);
    assert_true(readable(fd));
    assert_int_equal(daemon_mailbox_drain(b, &got), 2);
    assert_false(readable(fd));
    daemon_mailbox_close(b);
    assert_true(readable(fd));
    assert_int_equal(daemon_mailbox_drain(b, &got), 0);
    daemon_mailbox_free(b);
}

enum {
    POSTERS = 4,
    POSTS = 5000,
};

struct counter {
    struct daemon_worker *worker;
    uintptr_t last[POSTERS];
    size_t seen, out_of_order, batches;
};

/* Entries are numbers: poster in the high part, sequence from 1 in the low. */
static uint64_t count(void *user, void **got, size_t n, uint64_t now_ns) {
    struct counter *c = user;
    (void)now_ns;
    c->batches += n > 0;
    for (size_t i = 0; i < n; i++) {
        uintptr_t v = (uintptr_t)got[i];
        c->out_of_order += (v & 0xffff) != c->last[v >> 16] + 1;
        c->last[v >> 16] = v & 0xffff;
        c->seen++;
    }
    return UINT64_MAX;
}

struct poster {
    struct counter *counter;
    uintptr_t number;
};

static void *post_all(void *arg) {
    struct poster *p = arg;
    for (uintptr_t i = 1; i <= POSTS; i++)
        while (daemon_worker_post(p->counter->worker, (void *)(p->number << 16 | i)) == TC_EBUSY)
            sched_yield();
    return NULL;
}

void test_worker_order(void **state) {
    (void)state;
    struct counter c = {0};
    struct daemon_worker_config wc = {.name = "count", .count_max = 100, .run = count, .user = &c};
    assert_int_equal(daemon_worker_start(&wc, &c.worker), TC_OK);
    pthread_t threads[POSTERS];
    struct poster posters[POSTERS];
    for (uintptr_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    for (size_t i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    daemon_worker_stop(c.worker);
    assert_int_equal(c.seen, POSTERS * POSTS);
    assert_int_equal(c.out_of_order, 0);
    assert_true(c.batches <= c.seen);
}

struct ticker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int ticks;
};

static uint64_t tick(void *user, void **got, size_t n, uint64_t now_ns) {
    struct ticker *t = user;
    (void)got;
    pthread_mutex_lock(&t->lock);
    t->ticks += n == 0;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    return now_ns + 1000000;
}

void test_worker_timer(void **state) {
    (void)state;
    struct ticker t = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct daemon_worker *w = NULL;
    struct daemon_worker_config wc = {.name = "tick", .count_max = 1, .run = tick, .user = &t};
    assert_int_equal(daemon_worker_start(&wc, &w), TC_OK);
    pthread_mutex_lock(&t.lock);
    while (t.ticks < 5)
        pthread_cond_wait(&t.changed, &t.lock);
    pthread_mutex_unlock(&t.lock);
    daemon_worker_stop(w);
}
