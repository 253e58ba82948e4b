/* model_states: counts the states that the rules of tests/model/machine reach in a small instance.
 *
 * usage: model_states BALLOTS SLOTS    three nodes; prints the count. Spin's count of
 * models/trace.pml with the same figures must be equal (tests/model/compare.sh). */
#include "base/map.h"
#include "model/machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NODES = 3,
};

struct search {
    uint64_t ballots;
    size_t slots;
    struct tc_map seen;
    struct machine *queue;
    size_t head, count, cap;
};

static void visit(struct search *s, struct machine *m) {
    static int mark;
    struct tc_buf key = {0};
    machine_append_state(m, &key);
    bool known = tc_map_get(&s->seen, tc_buf_slice(&key)) != NULL;
    if (!known) {
        tc_map_put(&s->seen, tc_buf_slice(&key), &mark);
        if (s->count == s->cap) {
            s->cap = s->cap ? 2 * s->cap : 1024;
            s->queue = realloc(s->queue, s->cap * sizeof *s->queue);
        }
        s->queue[s->count++] = *m;
    } else {
        machine_deinit(m);
    }
    tc_buf_deinit(&key);
}

/* Carry one step out on a copy; a step that is not allowed leads nowhere. */
#define TRY(step)                                                                                  \
    do {                                                                                           \
        struct machine next = machine_copy(from);                                                  \
        struct machine *m = &next;                                                                 \
        if ((step) == NULL)                                                                        \
            visit(s, m);                                                                           \
        else                                                                                       \
            machine_deinit(m);                                                                     \
    } while (0)

static bool has_room(const struct search *s, const struct machine *m, uint64_t ballot) {
    const struct machine_ballot *b = machine_ballot(m, ballot);
    return b != NULL && machine_len(&b->log) < s->slots;
}

static void try_counts(struct search *s, const struct machine *from, uint64_t ballot,
                       size_t count) {
    TRY(machine_sync(m, ballot, count));
    TRY(machine_commit(m, ballot, count));
    for (uint32_t n = 0; n < NODES; n++) {
        TRY(machine_accept(m, n, ballot, count));
        TRY(machine_torn(m, n, ballot, count));
        TRY(machine_adopt(m, ballot, n, count));
        TRY(machine_adopted(m, ballot, n, count));
    }
}

static void expand(struct search *s, const struct machine *from) {
    for (uint64_t ballot = 1; ballot <= s->ballots; ballot++) {
        TRY(machine_campaign(m, (uint32_t)ballot - 1, ballot));
        if (has_room(s, from, ballot)) {
            TRY(machine_win(m, ballot, ballot));
            TRY(machine_append(m, ballot, ballot));
        }
        for (uint32_t n = 0; n < NODES; n++) {
            TRY(machine_promise(m, n, ballot));
            TRY(machine_heed(m, n, ballot));
        }
        for (size_t count = 1; count <= s->slots; count++)
            try_counts(s, from, ballot, count);
    }
    for (uint32_t n = 0; n < NODES; n++)
        TRY(machine_stop(m, n));
}

int main(int argc, char **argv) {
    struct search s = {0};
    if (argc != 3) {
        fputs("usage: model_states BALLOTS SLOTS\n", stderr);
        return 2;
    }
    s.ballots = strtoull(argv[1], NULL, 10);
    s.slots = strtoull(argv[2], NULL, 10);
    if (s.ballots < 1 || s.ballots > NODES || s.slots < 1)
        return 2;
    struct machine start = {.nodes = NODES};
    visit(&s, &start);
    while (s.head < s.count) {
        struct machine m = s.queue[s.head++]; /* visit may move the queue */
        expand(&s, &m);
        machine_deinit(&m);
    }
    printf("%zu\n", s.count);
    free(s.queue);
    tc_map_deinit(&s.seen);
    return 0;
}
