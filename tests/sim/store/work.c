/* Log batches and worker jobs: taken from the store, carried out on its disk, and reported later.
 */
#include "sim/store/world.h"

#include "base/assert.h"

static uint64_t slowed(const struct world_node *n, uint64_t delay_ns) {
    if (n->w->now_ns >= n->slow_until_ns)
        return delay_ns;
    if (delay_ns % 16 == 0)
        return delay_ns + 2500 * (uint64_t)WORLD_MS_NS; /* stands still for more than a lease */
    return delay_ns * 40 + 20 * WORLD_MS_NS;
}

/* Some batches are written when taken and reported later, some written late: a crash between finds
 * the disk in either state. */
static void take_batch(struct world_node *n) {
    struct world *w = n->w;
    if (n->batch || (n->batch = store_batch_take(n->store)) == NULL)
        return;
    n->batch_written = tc_prng_chance(&n->prng, 1, 2);
    if (n->batch_written)
        n->batch_err = store_batch_write(n->batch);
    uint64_t delay = tc_prng_between(&n->prng, w->swarm.batch_min_ns, w->swarm.batch_max_ns);
    world_push(w, world_disk_slowed(n, slowed(n, delay)), EVENT_BATCH, n->id, n->life, NULL);
}

static void take_job(struct world_node *n) {
    if (n->job || (n->job = store_job_take(n->store)) == NULL)
        return;
    n->job_ran = tc_prng_chance(&n->prng, 1, 2);
    if (n->job_ran)
        store_job_run(n->job);
    uint64_t delay = tc_prng_between(&n->prng, 100000, n->w->swarm.job_max_ns);
    world_push(n->w, slowed(n, delay), EVENT_JOB, n->id, n->life, NULL);
}

void world_work_take(struct world_node *n) {
    take_batch(n);
    take_job(n);
}

void world_work_batch_done(struct world_node *n) {
    struct store_batch *b = n->batch;
    if (!n->batch_written)
        n->batch_err = store_batch_write(b);
    n->batch = NULL;
    TC_IGNORE(store_batch_done(n->store, b, n->batch_err)); /* store_failed says it again */
}

void world_work_job_done(struct world_node *n) {
    struct store_job *j = n->job;
    if (!n->job_ran)
        store_job_run(j);
    n->job = NULL;
    store_job_done(n->store, j);
}

/* What is under way when the process ends is carried out in part: the disk stops at some write. */
void world_work_end(struct world_node *n) {
    struct world *w = n->w;
    if (!w->calm && tc_prng_chance(&w->fault_prng, 1, 2))
        sim_fs_crash_after(n->fs, tc_prng_below(&w->fault_prng, n->job ? 20 : 2));
    bool reaches_disk = tc_prng_chance(&w->fault_prng, 1, 2);
    if (n->batch) {
        if (!n->batch_written && reaches_disk)
            TC_IGNORE(store_batch_write(n->batch)); /* nobody hears of it */
        /* A dead process marks no disk as failing. Only where a store that is marked twice, and
         * takes no replica for a day, leaves no other; elsewhere it makes for more failing disks.
         */
        if (w->swarm.unmade)
            sim_fs_crash_after(n->fs, 0);
        TC_IGNORE(store_batch_done(n->store, n->batch, TC_EIO));
    }
    if (n->job) {
        if (!n->job_ran)
            store_job_run(n->job);
        store_job_done(n->store, n->job);
    }
    n->batch = NULL;
    n->job = NULL;
}
