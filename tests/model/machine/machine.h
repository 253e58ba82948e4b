/* machine: the transition rules of models/trace.pml as plain C, step for step.
 *
 * Each step function carries one step out and returns NULL, or leaves the machine as it is and says
 * why the rules do not allow it. The names are those of the model, whose comments say what each is;
 * tests/model/states enumerates all states of a small instance, and they must be as many as Spin
 * finds. Nodes are numbered from 0, slots and lengths count from 1, ballots are ordered by number.
 *
 * Threads: one. Memory: heap, freed by machine_deinit; a zeroed struct with nodes set is the start.
 */
#ifndef TC_TESTS_MODEL_MACHINE_H
#define TC_TESTS_MODEL_MACHINE_H

#include "base/buf.h"

enum {
    MACHINE_NODES_MAX = 5,
};

/* The id tells entries of one ballot and slot apart: there must never be two. */
struct machine_entry {
    uint64_t ballot;
    uint64_t id;
};

struct machine_log {
    struct tc_buf entries; /* struct machine_entry[] */
};

struct machine_node {
    uint64_t promised;
    uint64_t runs; /* own ballot at which it is candidate or leader; 0: none */
    struct machine_log log;
};

struct machine_ballot {
    uint64_t number;
    uint32_t owner;
    uint32_t promisers; /* bits */
    struct machine_log said[MACHINE_NODES_MAX];
    struct machine_log log;
    size_t lead_at;
    size_t commit;
    size_t acked[MACHINE_NODES_MAX];
};

struct machine {
    uint32_t nodes;
    struct machine_node node[MACHINE_NODES_MAX];
    struct tc_buf ballots; /* struct machine_ballot[] */
    struct machine_log chosen;
};

void machine_deinit(struct machine *m);
struct machine machine_copy(const struct machine *m);
/* Everything that distinguishes two states, as bytes. */
void machine_append_state(const struct machine *m, struct tc_buf *out);

size_t machine_len(const struct machine_log *l);
const struct machine_entry *machine_at(const struct machine_log *l, size_t slot);
/* Of a ballot that nobody campaigned at: NULL. Valid until the next campaign. */
struct machine_ballot *machine_ballot(const struct machine *m, uint64_t number);

const char *machine_campaign(struct machine *m, uint32_t node, uint64_t ballot);
const char *machine_promise(struct machine *m, uint32_t node, uint64_t ballot);
/* Take the first count entries of what from said: what the candidate says from now on, and what its
 * disk holds. */
const char *machine_adopt(struct machine *m, uint64_t ballot, uint32_t from, size_t count);
const char *machine_adopted(struct machine *m, uint64_t ballot, uint32_t from, size_t count);
const char *machine_win(struct machine *m, uint64_t ballot, uint64_t id);
const char *machine_append(struct machine *m, uint64_t ballot, uint64_t id);
const char *machine_sync(struct machine *m, uint64_t ballot, size_t count);
const char *machine_accept(struct machine *m, uint32_t node, uint64_t ballot, size_t count);
const char *machine_torn(struct machine *m, uint32_t node, uint64_t ballot, size_t count);
const char *machine_heed(struct machine *m, uint32_t node, uint64_t ballot);
const char *machine_commit(struct machine *m, uint64_t ballot, size_t count);
const char *machine_stop(struct machine *m, uint32_t node);

#endif
