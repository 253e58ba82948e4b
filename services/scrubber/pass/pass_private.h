/* What the files of pass share: one group's pass under way. */
#ifndef TC_SERVICES_SCRUBBER_PASS_PRIVATE_H
#define TC_SERVICES_SCRUBBER_PASS_PRIVATE_H

#include "engine/reference/reference.h"
#include "scrubber/judge/judge.h"
#include "scrubber/pass/pass.h"

enum {
    PASS_REPLICAS_MAX = JUDGE_COPIES_MAX - 1,
    PASS_NAME_BYTES_MAX = 160,
    PASS_POLL_MS = 100,
    PASS_DEADLINE_MS = 5000,
};

struct pass_replica {
    const char *addr; /* NULL: its node does not answer */
    char name[PASS_NAME_BYTES_MAX];
    const Tercet__Pb__ReplicaInfo *info;
    bool has_vector;
    struct judge_copy copy;
};

struct pass {
    const struct pass_env *env;
    uint64_t gid;
    Tercet__Pb__ScrubGroup *out;
    struct pass_replica replica[PASS_REPLICAS_MAX];
    size_t replica_count;
    uint64_t index;              /* of the mark; 0: no mark could be set */
    struct reference *reference; /* at index; NULL: could not be built */
    struct judge_copy reference_copy;
    struct tc_buf object; /* scratch of the archive's part */
    struct tc_buf scratch;
};

/* result.c */
/* Set a check's state; one that was set stays, unless the new state is damaged. */
void pass__check(struct pass *p, const char *name, Tercet__Pb__ScrubState state, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));
/* NULL when there are too many. */
Tercet__Pb__ScrubFinding *pass__finding(struct pass *p, const char *check, const char *copy,
                                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
ProtobufCBinaryData pass__bytes(struct tc_slice s);
/* Findings of one check so far. */
size_t pass__findings(const struct pass *p, const char *check);

/* result.c: tell what is waited for, at most so long; over: it goes on. */
void pass__waits(const struct pass *p, uint32_t max_ms, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pass__waits_over(const struct pass *p);

/* nodes.c: the node's replica of the group, or NULL. */
/* All nodes answered, and none holds the group as one that has content of its own. */
bool pass__has_ended(const struct pass_nodes *n, uint64_t gid);
/* Ask the same nodes once more. */
void pass__nodes_again(const struct pass_env *env, struct pass_nodes *n);
const Tercet__Pb__ReplicaInfo *pass__find(const Tercet__Pb__NodeInfoReply *info, uint64_t gid);
/* pack, ask, unpack is the caller's. */
tc_err pass__ask(const struct pass *p, const struct pass_replica *r, const char *method,
                 const ProtobufCMessage *request, uint32_t deadline_ms, struct tc_buf *ret_reply);

/* vectors.c: set the mark and take every replica's vector at it. */
void pass__vectors_take(struct pass *p);
/* Compare replicas and reference; fills the checks "vectors" and "reference". */
void pass__vectors_judge(struct pass *p);

/* narrow.c: findings for single keys in the buckets where copies differ. */
void pass__narrow(struct pass *p, const struct judge_verdict *v);

/* pages.c */
void pass__pages(struct pass *p);

/* archive.c: read the archive, fill the check "archive"; build the reference at index if it can. */
void pass__archive(struct pass *p);

#endif
