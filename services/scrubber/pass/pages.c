#include "scrubber/pass/pass_private.h"

#include <stdio.h>

static void note_bad(struct pass *p, const struct pass_replica *r, const Tercet__Pb__BadPage *bad) {
    Tercet__Pb__ScrubFinding *f = pass__finding(p, "pages", r->name, "page %llu: %s",
                                                (unsigned long long)bad->page, bad->what);
    if (f == NULL)
        return;
    f->page = bad->page;
    f->is_range = true;
    f->key = pass__bytes(tc_slice(bad->start.data, bad->start.len));
    f->end = pass__bytes(tc_slice(bad->end.data, bad->end.len));
}

static tc_err scrub_replica(struct pass *p, const struct pass_replica *r) {
    Tercet__Pb__ScrubPagesRequest request = TERCET__PB__SCRUB_PAGES_REQUEST__INIT;
    request.gid = p->gid;
    struct tc_buf packed = {0};
    tc_err err = pass__ask(p, r, "/tercet.Storage/ScrubPages", &request.base,
                           p->env->pages_deadline_ms, &packed);
    Tercet__Pb__ScrubPagesReply *reply =
        err == TC_OK || err == TC_ECORRUPT
            ? tercet__pb__scrub_pages_reply__unpack(NULL, packed.len, packed.data)
            : NULL;
    if (reply) {
        p->out->pages += reply->pages;
        for (size_t i = 0; i < reply->n_bad; i++)
            note_bad(p, r, reply->bad[i]);
        if (err == TC_ECORRUPT && reply->n_bad == 0)
            pass__finding(
                p, "pages", r->name,
                "every page is sound, but their items do not have the sums kept for them");
        tercet__pb__scrub_pages_reply__free_unpacked(reply, NULL);
    }
    tc_buf_deinit(&packed);
    return err == TC_ECORRUPT && reply ? TC_OK : err;
}

void pass__pages(struct pass *p) {
    char missing[256] = "";
    for (size_t i = 0; i < p->replica_count; i++) {
        const struct pass_replica *r = &p->replica[i];
        if (r->info && strncmp(r->info->state, "damaged", 7) == 0)
            pass__finding(p, "pages", r->name, "the node itself says: %s", r->info->state);
        tc_err err = scrub_replica(p, r);
        if (err != TC_OK && missing[0] == 0)
            (void)snprintf(missing, sizeof missing, "%s: %s", r->name, tc_err_text(err));
    }
    size_t count = pass__findings(p, "pages");
    if (count > 0)
        pass__check(p, "pages", TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED, "%zu findings", count);
    else if (missing[0] != 0)
        pass__check(p, "pages", TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN, "%s", missing);
    else
        pass__check(p, "pages", TERCET__PB__SCRUB_STATE__SCRUB_CLEAN, "%llu pages read",
                    (unsigned long long)p->out->pages);
}
