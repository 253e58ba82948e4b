/* One replica driven by hand, for the unit tests of core/paxos. rid 1 of a group of count STORAGE
 * members; every step checks the invariants. */
#ifndef TC_TESTS_PAXOS_REPLICA_H
#define TC_TESTS_PAXOS_REPLICA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "core/paxos/paxos.h"

#define MS     1000000ull
#define GID    7
#define ORIGIN (10000 * MS)

struct replica {
    struct paxos *p;
    struct paxos_out out;
    struct quorum_config config;
    uint64_t now;
};

struct quorum_config group_of(uint32_t count);
tc_err open_replica(struct replica *r, uint32_t count, struct paxos_recovery *rec);
void open_new(struct replica *r, uint32_t count);
tc_err step(struct replica *r, struct paxos_event ev);
tc_err tick(struct replica *r, uint64_t after_ms);
tc_err receive(struct replica *r, struct paxos_msg m);
tc_err durable(struct replica *r, uint64_t seq);
tc_err applied(struct replica *r, uint64_t index);
tc_err propose(struct replica *r, const char *text);
/* count entries of 8 bytes at one ballot after mark; the caller drops the bodies. */
void make_entries(struct paxos_entry *e, size_t count, struct paxos_mark after, uint64_t ballot);
void drop_entries(struct paxos_entry *e, size_t count);
/* The first message of this type that the last step sent; NULL: none. */
const struct paxos_send *sent(const struct replica *r, enum paxos_msg_type type);
struct paxos_msg prepare_from(uint32_t from, uint64_t round);
struct paxos_msg accept_from(uint32_t from, uint64_t round, struct paxos_mark prev,
                             const struct paxos_entry *e, size_t count);

/* rid 1 of three leads; its LEAD is durable here. */
void open_leader(struct replica *r);
/* The peer holds this log up to index, and echoes the clock of now. */
tc_err ack(struct replica *r, uint32_t from, uint64_t index, uint32_t flags);
/* Everything is durable, acknowledged by 2 and 3, and applied. */
void commit_all(struct replica *r);

/* test_members.c, test_resign.c, test_restore.c, test_split.c; 0 if all passed. */
int run_resign_tests(void);
int run_member_tests(void);
int run_restore_tests(void);
int run_split_tests(void);

#endif
