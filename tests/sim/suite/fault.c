/* What goes wrong, by swarm; and the supervisor that starts again what died. */
#include "sim/suite/suite.h"

#include <string.h>

enum suite_fault {
    FAULT_KILL_STORAGE,
    FAULT_POWER_STORAGE,
    FAULT_POWER_LATER, /* in the middle of one of its next writes */
    FAULT_POWER_ALL,
    FAULT_LOSE_DISK,  /* once in a run: two copies of everything stay */
    FAULT_KILL_OTHER, /* router, memds, gac, archiver, scrubber, autoadmin */
    FAULT_STOP,       /* SIGTERM: it drains */
    FAULT_PAUSE,
    FAULT_CUT_IN,
    FAULT_CUT_OUT,
    FAULT_CUT_LINK,
    FAULT_HEAL,
    FAULT_SLOW,
    FAULT_WALL,
    FAULT_ARCHIVE, /* the object store's daemon is cut off from everybody */
    FAULT_KINDS,
};

#define SUPERVISE_NS (250 * SUITE_MS)

static uint64_t below(struct suite *s, uint64_t bound) {
    return tc_prng_below(&s->fault_prng, bound);
}

static bool is_storage(const struct suite_proc *p) {
    return strcmp(p->kind, "storage") == 0;
}

static struct suite_proc *any(struct suite *s, bool storage) {
    for (;;) {
        struct suite_proc *p = &s->procs[below(s, s->proc_count)];
        if (is_storage(p) == storage)
            return p;
    }
}

static void cut_all(struct suite *s, const struct suite_proc *p, bool in, bool out) {
    for (uint32_t i = 0; i < s->proc_count; i++) {
        if (i == p->id)
            continue;
        s->net.cut[i][p->id] |= in;
        s->net.cut[p->id][i] |= out;
    }
}

/* ---- whose disk may be lost */

/* B-trees of one group on the disks of the storage nodes, those of a copy on its way left out. */
struct copies {
    struct suite *suite;
    const struct suite_proc *lost;
    const char *tree;
    uint32_t others;
    bool enough;
};

static void count_tree(void *user, const char *name) {
    struct copies *c = user;
    c->others += strcmp(name, c->tree) == 0;
}

static void look_elsewhere(void *user, const char *name) {
    struct copies *c = user;
    size_t len = strlen(name);
    if (len < 5 || strcmp(name + len - 5, ".tree") != 0)
        return;
    c->tree = name;
    c->others = 0;
    for (uint32_t i = 0; i < c->suite->proc_count; i++) {
        struct suite_proc *p = &c->suite->procs[i];
        if (is_storage(p) && p != c->lost)
            TC_IGNORE(tc_fs_list(sim_fs_fs(p->fs), "d", count_tree, c));
    }
    c->enough = c->enough && c->others >= 2;
}

/* Groups are made while a node is away, and have two copies then: with one of these they would be
 * lost, as anybody expects. */
static bool two_copies_stay(struct suite *s, const struct suite_proc *lost) {
    struct copies c = {.suite = s, .lost = lost, .enough = true};
    TC_IGNORE(tc_fs_list(sim_fs_fs(lost->fs), "d", look_elsewhere, &c));
    return c.enough;
}

static void power_all(struct suite *s) {
    for (uint32_t i = 0; i < s->proc_count; i++)
        suite_proc_kill(&s->procs[i], /* power= */ true);
}

static void inflict(struct suite *s, enum suite_fault kind) {
    struct suite_proc *p = any(s, kind != FAULT_KILL_OTHER);
    struct suite_proc *whoever = &s->procs[below(s, s->proc_count)];
    switch (kind) {
    case FAULT_KILL_STORAGE:
    case FAULT_KILL_OTHER:
        suite_proc_kill(p, /* power= */ false);
        break;
    case FAULT_POWER_STORAGE:
        suite_proc_kill(p, /* power= */ true);
        break;
    case FAULT_POWER_LATER:
        suite_trace(s, "%s  will lose power in a write", p->name);
        if (p->alive) {
            sim_fs_crash_after(p->fs, below(s, 40));
            p->armed = true;
        }
        break;
    case FAULT_POWER_ALL:
        if (below(s, 4) == 0)
            power_all(s);
        break;
    case FAULT_LOSE_DISK:
        if (s->disk_lost || below(s, 3) != 0 || !two_copies_stay(s, p))
            break;
        s->disk_lost = true;
        suite_proc_kill(p, /* power= */ true);
        suite_trace(s, "%s  has lost its disk", p->name);
        sim_fs_wipe(p->fs);
        break;
    case FAULT_STOP:
        suite_trace(s, "%s  is asked to stop", whoever->name);
        suite_proc_stop(whoever);
        break;
    case FAULT_PAUSE:
        suite_proc_pause(whoever, (50 + below(s, 3000)) * SUITE_MS);
        break;
    case FAULT_CUT_IN:
    case FAULT_CUT_OUT:
        suite_trace(s, "%s  is cut off (%s)", p->name, kind == FAULT_CUT_IN ? "in" : "out");
        cut_all(s, p, kind == FAULT_CUT_IN, kind == FAULT_CUT_OUT);
        break;
    case FAULT_CUT_LINK:
        suite_trace(s, "link %s to %s is cut", p->name, whoever->name);
        if (p != whoever)
            suite_net_cut(s, p->id, whoever->id);
        break;
    case FAULT_HEAL:
        suite_trace(s, "links are mended");
        suite_net_heal(s);
        break;
    case FAULT_SLOW:
        suite_trace(s, "the disk of %s is slow", p->name);
        p->slow_until_ns = s->now_ns + (100 + below(s, 2000)) * SUITE_MS;
        break;
    case FAULT_WALL:
        whoever->wall_skew_ns = (int64_t)below(s, 200 * SUITE_S) - (int64_t)(100 * SUITE_S);
        suite_trace(s, "the wall clock of %s jumps", whoever->name);
        break;
    case FAULT_ARCHIVE:
        cut_all(s, suite_proc_find(s, "archiver-a"), true, true);
        suite_trace(s, "the archive is out of reach");
        break;
    case FAULT_KINDS:
        break;
    }
}

static void next_fault(struct suite *s, void *arg) {
    (void)arg;
    if (s->calm)
        return;
    enum suite_fault kind = (enum suite_fault)below(s, FAULT_KINDS);
    if (kind == FAULT_HEAL || s->swarm.faults >> kind & 1) {
        s->fault_count++;
        inflict(s, kind);
    }
    suite_after(s, 1 + below(s, 2 * s->swarm.fault_every_ns), next_fault, NULL);
}

/* As systemd or a container engine would; a dead process stays dead for a while of its own. */
static void supervise(struct suite *s, void *arg) {
    (void)arg;
    for (uint32_t i = 0; i < s->proc_count; i++)
        if (!s->procs[i].alive && (s->calm || below(s, 6) == 0))
            suite_proc_start(&s->procs[i]);
    suite_after(s, SUPERVISE_NS, supervise, NULL);
}

void suite_faults_begin(struct suite *s) {
    suite_after(s, s->swarm.fault_every_ns, next_fault, NULL);
    suite_after(s, SUPERVISE_NS, supervise, NULL);
}

void suite_calm(struct suite *s) {
    suite_trace(s, "---- calm");
    s->calm = true;
    suite_net_heal(s);
    for (uint32_t i = 0; i < s->proc_count; i++) {
        if (s->procs[i].armed) /* and it has not met the write yet */
            suite_proc_kill(&s->procs[i], /* power= */ true);
        if (s->procs[i].armed) { /* it is down: its next start must not meet it */
            sim_fs_restart(s->procs[i].fs);
            s->procs[i].armed = false;
        }
        s->procs[i].slow_until_ns = 0;
        s->procs[i].wall_skew_ns = 0;
    }
}
