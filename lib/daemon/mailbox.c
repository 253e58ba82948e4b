#include "daemon/mailbox.h"

#include "base/assert.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Two arrays: posters fill one while the reader walks the other. */
struct daemon_mailbox {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    void **filling, **draining;
    size_t count;
    size_t count_max, reserve_max;
    bool closed;
    uint32_t waking; /* posters that are between their unlock and the end of their wake; atomic */
    int fd;          /* -1: condition variable */
};

tc_err daemon_mailbox_new(const struct daemon_mailbox_config *config,
                          struct daemon_mailbox **ret_box) {
    if (config->count_max == 0)
        return TC_EINVAL;
    int fd = -1;
    if (config->eventfd && (fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        return TC_EIO;
    struct daemon_mailbox *b = calloc(1, sizeof *b);
    TC_ASSERT(b != NULL);
    b->fd = fd;
    b->count_max = config->count_max;
    b->reserve_max = config->count_max + config->reserve_count;
    b->filling = calloc(b->reserve_max, sizeof b->filling[0]);
    b->draining = calloc(b->reserve_max, sizeof b->draining[0]);
    TC_ASSERT(b->filling != NULL && b->draining != NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&b->lock, NULL);
    *ret_box = b;
    return TC_OK;
}

void daemon_mailbox_free(struct daemon_mailbox *b) {
    if (b == NULL)
        return;
    while (__atomic_load_n(&b->waking, __ATOMIC_ACQUIRE) > 0)
        sched_yield();
    if (b->fd >= 0)
        close(b->fd);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->wake);
    free(b->filling);
    free(b->draining);
    free(b);
}

static void wake(struct daemon_mailbox *b) {
    if (b->fd < 0) {
        pthread_cond_signal(&b->wake);
        return;
    }
    uint64_t one = 1;
    ssize_t n = write(b->fd, &one, sizeof one);
    TC_ASSERT(n == sizeof one);
}

/* Wakes after the unlock: a reader woken inside the lock runs into it and sleeps again, two
 * switches more for every message. Once the entry is seen the owner may free the box, so it is
 * counted who still has to wake. */
static void unlock(struct daemon_mailbox *b, bool and_wake) {
    if (and_wake)
        __atomic_fetch_add(&b->waking, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&b->lock);
    if (!and_wake)
        return;
    wake(b);
    __atomic_fetch_sub(&b->waking, 1, __ATOMIC_RELEASE);
}

static tc_err post(struct daemon_mailbox *b, void *entry, size_t max) {
    TC_ASSERT(entry != NULL);
    pthread_mutex_lock(&b->lock);
    tc_err err = b->closed ? TC_ECLOSED : b->count >= max ? TC_EBUSY : TC_OK;
    bool first = err == TC_OK && b->count == 0;
    if (err == TC_OK)
        b->filling[b->count++] = entry;
    unlock(b, first);
    return err;
}

tc_err daemon_mailbox_post(struct daemon_mailbox *b, void *entry) {
    return post(b, entry, b->count_max);
}

tc_err daemon_mailbox_post_reserved(struct daemon_mailbox *b, void *entry) {
    return post(b, entry, b->reserve_max);
}

/* Lock held. */
static size_t swap(struct daemon_mailbox *b, void ***ret_entries) {
    size_t count = b->count;
    void **full = b->filling;
    b->filling = b->draining;
    b->draining = full;
    b->count = 0;
    *ret_entries = full;
    return count;
}

size_t daemon_mailbox_drain(struct daemon_mailbox *b, void ***ret_entries) {
    pthread_mutex_lock(&b->lock);
    if (b->fd >= 0 && !b->closed) {
        uint64_t seen;
        ssize_t n = read(b->fd, &seen, sizeof seen);
        (void)n; /* nothing to read is fine */
    }
    size_t count = swap(b, ret_entries);
    pthread_mutex_unlock(&b->lock);
    return count;
}

size_t daemon_mailbox_wait(struct daemon_mailbox *b, uint64_t deadline_ns, void ***ret_entries) {
    TC_ASSERT(b->fd < 0);
    struct timespec at = {.tv_sec = (time_t)(deadline_ns / 1000000000U),
                          .tv_nsec = (long)(deadline_ns % 1000000000U)};
    int late = 0;
    pthread_mutex_lock(&b->lock);
    while (b->count == 0 && !b->closed && late == 0) {
        if (deadline_ns == UINT64_MAX)
            pthread_cond_wait(&b->wake, &b->lock);
        else
            late = pthread_cond_timedwait(&b->wake, &b->lock, &at);
    }
    size_t count = swap(b, ret_entries);
    pthread_mutex_unlock(&b->lock);
    return count;
}

int daemon_mailbox_fd(const struct daemon_mailbox *b) {
    return b->fd;
}

void daemon_mailbox_close(struct daemon_mailbox *b) {
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    unlock(b, true);
}

bool daemon_mailbox_closed(struct daemon_mailbox *b) {
    pthread_mutex_lock(&b->lock);
    bool closed = b->closed;
    pthread_mutex_unlock(&b->lock);
    return closed;
}

size_t daemon_mailbox_count(struct daemon_mailbox *b) {
    pthread_mutex_lock(&b->lock);
    size_t count = b->count;
    pthread_mutex_unlock(&b->lock);
    return count;
}
