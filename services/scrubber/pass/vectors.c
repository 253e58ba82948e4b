#include "scrubber/pass/pass_private.h"

#include <inttypes.h>
#include <stdio.h>

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN

/* Whoever leads takes the mark; the others refuse, so trying all of them finds it. */
static tc_err set_mark(struct pass *p) {
    Tercet__Pb__ScrubMarkRequest request = TERCET__PB__SCRUB_MARK_REQUEST__INIT;
    request.gid = p->gid;
    struct tc_buf reply = {0};
    tc_err err = TC_EUNAVAILABLE;
    for (size_t i = 0; i < p->replica_count && p->index == 0; i++) {
        tc_err one = pass__ask(p, &p->replica[i], "/tercet.Storage/ScrubMark", &request.base,
                               PASS_DEADLINE_MS, &reply);
        if (one != TC_OK) {
            err = one != TC_ENOTLEADER ? one : err;
            continue;
        }
        Tercet__Pb__ScrubMarkReply *mark =
            tercet__pb__scrub_mark_reply__unpack(NULL, reply.len, reply.data);
        err = mark ? TC_OK : TC_ECORRUPT;
        if (mark) {
            p->index = mark->index;
            tercet__pb__scrub_mark_reply__free_unpacked(mark, NULL);
        }
    }
    tc_buf_deinit(&reply);
    return err;
}

static tc_err decode_vector(struct tc_slice bytes, struct judge_copy *ret_copy) {
    Tercet__Pb__ScrubVectorReply *v =
        tercet__pb__scrub_vector_reply__unpack(NULL, bytes.len, bytes.data);
    if (v == NULL)
        return TC_ECORRUPT;
    tc_err err = v->n_sums == 2 * BTREE_BUCKET_COUNT ? TC_OK : TC_ECORRUPT;
    if (err == TC_OK) {
        memcpy(ret_copy->sums.sum, v->sums, sizeof ret_copy->sums.sum);
        ret_copy->item_count = v->item_count;
        ret_copy->chain = v->chain;
    }
    tercet__pb__scrub_vector_reply__free_unpacked(v, NULL);
    return err;
}

static tc_err ask_vector(struct pass *p, const struct pass_replica *r, struct tc_buf *ret_reply) {
    Tercet__Pb__ScrubVectorRequest request = TERCET__PB__SCRUB_VECTOR_REQUEST__INIT;
    request.gid = p->gid;
    request.index = p->index;
    return pass__ask(p, r, "/tercet.Storage/ScrubVector", &request.base, PASS_DEADLINE_MS,
                     ret_reply);
}

/* A replica that has not applied the mark yet is asked again for a while. */
static tc_err take_vector(struct pass *p, struct pass_replica *r) {
    struct tc_buf reply = {0};
    tc_err err = ask_vector(p, r, &reply);
    if (err == TC_EBUSY)
        pass__waits(p, p->env->apply_wait_ms, "%s to apply index %" PRIu64, r->name, p->index);
    for (uint32_t waited_ms = 0; err == TC_EBUSY && waited_ms < p->env->apply_wait_ms &&
                                 p->env->pause(p->env->user, PASS_POLL_MS);
         waited_ms += PASS_POLL_MS)
        err = ask_vector(p, r, &reply);
    pass__waits_over(p);
    if (err == TC_OK)
        err = decode_vector(tc_buf_slice(&reply), &r->copy);
    tc_buf_deinit(&reply);
    return err;
}

void pass__vectors_take(struct pass *p) {
    tc_err err = set_mark(p);
    if (p->index == 0) {
        pass__check(p, "vectors", NOT_RUN, "no leader took the mark: %s", tc_err_text(err));
        return;
    }
    p->out->index = p->index;
    char missing[256] = "";
    for (size_t i = 0; i < p->replica_count; i++) {
        struct pass_replica *r = &p->replica[i];
        err = take_vector(p, r);
        r->has_vector = err == TC_OK;
        if (err != TC_OK && missing[0] == 0)
            (void)snprintf(missing, sizeof missing, "%s: %s", r->name, tc_err_text(err));
    }
    if (missing[0] != 0)
        pass__check(p, "vectors", NOT_RUN, "not all replicas answered; %s", missing);
}

struct panel {
    const struct judge_copy *copy[JUDGE_COPIES_MAX];
    const char *name[JUDGE_COPIES_MAX];
    size_t count;
};

static struct panel gather(const struct pass *p, bool with_reference) {
    struct panel panel = {.count = 0};
    for (size_t i = 0; i < p->replica_count; i++) {
        if (!p->replica[i].has_vector)
            continue;
        panel.copy[panel.count] = &p->replica[i].copy;
        panel.name[panel.count++] = p->replica[i].name;
    }
    if (with_reference && p->reference) {
        panel.copy[panel.count] = &p->reference_copy;
        panel.name[panel.count++] = "archive";
    }
    return panel;
}

static void accuse(struct pass *p, const struct panel *panel, const struct judge_verdict *v) {
    if (!v->decided) {
        pass__finding(p, p->reference ? "reference" : "vectors", "?",
                      "%zu copies differ in %u of %u buckets at index %" PRIu64
                      " and no majority agrees",
                      panel->count, v->bucket_count, BTREE_BUCKET_COUNT, p->index);
        return;
    }
    for (size_t i = 0; i < panel->count; i++) {
        if (!v->bad[i])
            continue;
        bool reference = p->reference && i + 1 == panel->count;
        pass__finding(p, reference ? "reference" : "vectors", panel->name[i],
                      "differs from the majority of %zu copies at index %" PRIu64 ": %s, %u of %u "
                      "buckets, %" PRIu64 " items",
                      panel->count, p->index, v->other_log[i] ? "another log" : "same log",
                      v->bucket_count, BTREE_BUCKET_COUNT, panel->copy[i]->item_count);
    }
}

static void conclude(struct pass *p, const char *name, bool equal, size_t count) {
    if (!equal)
        pass__check(p, name, DAMAGED, "copies differ at index %" PRIu64, p->index);
    else
        pass__check(p, name, CLEAN, "%zu copies equal at index %" PRIu64, count, p->index);
}

void pass__vectors_judge(struct pass *p) {
    struct panel live = gather(p, false), all = gather(p, true);
    struct judge_verdict v;
    if (live.count == 0)
        return; /* the check already says that and why it did not run */
    p->out->items = live.copy[0]->item_count;
    judge_copies(live.copy, live.count, &v);
    conclude(p, "vectors", v.equal, live.count);
    judge_copies(all.copy, all.count, &v);
    if (p->reference)
        conclude(p, "reference", v.equal, all.count);
    if (v.equal)
        return;
    accuse(p, &all, &v);
    pass__narrow(p, &v);
}
