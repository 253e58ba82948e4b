/* The words of scrub_wait. */
#include "scrub_wait.h"

#include <inttypes.h>
#include <string.h>

enum {
    AGAIN_MS = 5000, /* between two lines without news */
};

#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED

static void tell_place(const Tercet__Pb__ScrubProgressReply *p, struct tc_buf *out) {
    uint64_t number = p->done < p->total ? p->done + 1 : p->total; /* splits make more on the way */
    if (p->gid == 0)
        tc_buf_append_str(out, "the storage nodes are asked what they hold");
    else
        tc_buf_printf(out, "group %" PRIu64 ", %" PRIu64 " of %" PRIu64, p->gid, number, p->total);
    if (p->waits_for[0])
        tc_buf_printf(out, ": waits for %s, %" PRIu64 " s so far, %" PRIu64 " s at most",
                      p->waits_for, p->waited_ms / 1000, p->wait_max_ms / 1000);
}

void scrub_tell(struct scrub_teller *t, const Tercet__Pb__ScrubProgressReply *p, uint64_t now_ms,
                struct tc_buf *out) {
    uint64_t wait_max_ms = p->waits_for[0] ? p->wait_max_ms : 0;
    bool news = wait_max_ms > 0 && (wait_max_ms != t->wait_max_ms || p->gid != t->gid);
    if (!p->running || !(t->told_ms == 0 || news || now_ms >= t->told_ms + AGAIN_MS))
        return;
    *t = (struct scrub_teller){.told_ms = now_ms, .gid = p->gid, .wait_max_ms = wait_max_ms};
    tc_buf_append_str(out, "tercet: ");
    if (!p->demanded)
        tc_buf_append_str(out, "the scrubber's own pass comes first: ");
    tell_place(p, out);
    tc_buf_append_str(out, "\n");
}

/* ---- at the end */

/* Groups of which a check is in that state; `archive`: one of the two that read it, else another
 * one. *ret_why is the first one's. */
static size_t count(const Tercet__Pb__ScrubRunReply *r, Tercet__Pb__ScrubState state, bool archive,
                    const char **ret_why) {
    size_t groups = 0;
    for (size_t i = 0; i < r->n_groups; i++) {
        bool any = false;
        for (size_t k = 0; k < r->groups[i]->n_checks; k++) {
            const Tercet__Pb__ScrubCheck *c = r->groups[i]->checks[k];
            bool reads = strcmp(c->name, "archive") == 0 || strcmp(c->name, "reference") == 0;
            if (c->state != state || reads != archive)
                continue;
            *ret_why = groups == 0 && !any ? c->why : *ret_why;
            any = true;
        }
        groups += any;
    }
    return groups;
}

void scrub_advice(const Tercet__Pb__ScrubRunReply *r, struct tc_buf *out) {
    const char *why = "";
    size_t groups = count(r, DAMAGED, false, &why);
    if (groups > 0)
        tc_buf_printf(out,
                      "tercet: damage in %zu of %zu groups; what mends itself and what does not: "
                      "docs/runbooks/damaged-page.md\n",
                      groups, r->n_groups);
    groups = count(r, DAMAGED, true, &why);
    if (groups > 0)
        tc_buf_printf(out,
                      "tercet: the archive of %zu of %zu groups is damaged or differs; restore the "
                      "object that is named from another copy\n",
                      groups, r->n_groups);
    groups = count(r, NOT_RUN, true, &why);
    if (groups > 0)
        tc_buf_printf(out,
                      "tercet: %zu of %zu groups were not compared with the archive (%s): see "
                      "whether the archivers run and reach their store "
                      "(docs/runbooks/archive-down.md), then scrub again\n",
                      groups, r->n_groups, why);
    groups = count(r, NOT_RUN, false, &why);
    if (groups > 0)
        tc_buf_printf(out,
                      "tercet: checks of %zu of %zu groups did not run (%s): start what is silent "
                      "(`tercet nodes`), see that each group has a leader (`tercet partitions`), "
                      "then scrub again\n",
                      groups, r->n_groups, why);
}
