#include "scrubber/pass/archive_private.h"

#include "base/crc32c.h"

#include <inttypes.h>
#include <stdio.h>

#define CLEAN   TERCET__PB__SCRUB_STATE__SCRUB_CLEAN
#define DAMAGED TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED
#define NOT_RUN TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN

void pass__archive_give_up(struct pass *p, const char *why) {
    reference_free(p->reference);
    p->reference = NULL;
    pass__check(p, "reference", NOT_RUN, "%s", why);
}

tc_err pass__archive_read(struct pass *p, const char *key, uint32_t crc, struct tc_buf *object) {
    tc_buf_clear(object);
    tc_err err = objstore_get(p->env->store, key, object);
    if (err == TC_ENOTFOUND)
        pass__finding(p, "archive", key, "the object is missing");
    else if (err == TC_ECORRUPT)
        pass__finding(p, "archive", key, "the object fails its checksum");
    else if (err == TC_OK && tc_crc32c(0, object->data, object->len) != crc) {
        pass__finding(p, "archive", key, "the object is not the one that was stored");
        err = TC_ECORRUPT;
    }
    return err == TC_ENOTFOUND ? TC_ECORRUPT : err;
}

static uint64_t last_of(const struct archive_manifest *m) {
    uint64_t chain = 0;
    return archive_manifest_last(m, &chain);
}

static void tell_lag(const struct pass *p, const struct archive_manifest *m, tc_err err) {
    if (err == TC_OK)
        pass__waits(p, p->env->archive_wait_ms,
                    "the archive to reach index %" PRIu64 " (it has %" PRIu64 ")", p->index,
                    last_of(m));
    else
        pass__waits(p, p->env->archive_wait_ms,
                    "the archive to reach index %" PRIu64 " (it has nothing of the group yet)",
                    p->index);
}

/* The newest manifest, once it covers the mark or the wait is over; without a mark, as it is. */
static tc_err wait_manifest(struct pass *p, struct archive_manifest *m) {
    for (uint32_t waited_ms = 0;; waited_ms += PASS_POLL_MS) {
        tc_err err = archive_manifest_load(p->env->store, p->gid, m);
        bool covers = err == TC_OK && last_of(m) >= p->index;
        bool lags = err == TC_ENOTFOUND || (err == TC_OK && !covers);
        bool waits = lags && p->index != 0 && waited_ms < p->env->archive_wait_ms;
        if (waits && waited_ms == 0)
            tell_lag(p, m, err);
        if (!waits || !p->env->pause(p->env->user, PASS_POLL_MS)) {
            pass__waits_over(p);
            return err;
        }
        archive_manifest_deinit(m);
    }
}

static bool same_place(const struct archive_segment *s, const struct archive_segment_ref *ref,
                       uint64_t gid) {
    return s->gid == gid && s->first == ref->first && s->last == ref->last &&
           s->chain_before == ref->chain_before && s->chain_after == ref->chain_after;
}

/* Feed the reference what it still needs of a sound segment. */
static void apply_segment(struct pass *p, const char *key, const struct archive_segment *s,
                          uint64_t last) {
    struct tc_slice rest = s->entries;
    struct archive_entry e;
    while (archive_entry_next(&rest, &e)) {
        p->out->archive_entries++;
        if (p->reference == NULL || e.index <= reference_mark(p->reference).index || e.index > last)
            continue;
        const struct paxos_entry entry = {.index = e.index,
                                          .ballot = e.ballot,
                                          .chain = e.chain,
                                          .body_crc = e.body_crc,
                                          .body_len = (uint32_t)e.body.len,
                                          .type = e.type,
                                          .flags = e.flags};
        tc_err err = reference_apply(p->reference, &entry, e.body);
        if (err == TC_ECORRUPT)
            pass__finding(p, "archive", key, "%s", reference_problem(p->reference));
        if (err == TC_ECORRUPT || err == TC_EUNSUPPORTED)
            pass__archive_give_up(p, reference_problem(p->reference));
        else if (err != TC_OK)
            pass__archive_give_up(p, tc_err_text(err));
    }
}

tc_err pass__archive_segment(struct pass *p, uint64_t gid, const struct archive_segment_ref *ref,
                             uint64_t last) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct tc_buf *object = &p->object, *scratch = &p->scratch;
    archive_segment_key(gid, ref->first, ref->last, ref->chain_after, key);
    TC_TRY(pass__archive_read(p, key, ref->crc, object));
    struct archive_segment s;
    tc_err err = archive_segment_decode(tc_buf_slice(object), scratch, &s);
    if (err != TC_OK || !same_place(&s, ref, gid)) {
        pass__finding(p, "archive", key, "%s",
                      err != TC_OK ? "the segment's content fails its checks"
                                   : "the segment is not what the manifest says of it");
        return TC_ECORRUPT;
    }
    apply_segment(p, key, &s, last);
    return TC_OK;
}

static tc_err read_segments(struct pass *p, const struct archive_manifest *m) {
    tc_err result = TC_OK;
    for (size_t i = 0; i < m->segment_count; i++) {
        tc_err err = pass__archive_segment(p, p->gid, &m->segments[i], p->index);
        if (err != TC_OK && p->reference && m->segments[i].first <= p->index &&
            m->segments[i].last > reference_mark(p->reference).index)
            pass__archive_give_up(p, "a segment it needs cannot be read");
        if (err != TC_OK && err != TC_ECORRUPT)
            result = err;
        if (p->env->pace_ms && !p->env->pause(p->env->user, p->env->pace_ms))
            result = TC_ECLOSED;
        if (result == TC_ECLOSED)
            break;
    }
    return result;
}

void pass__archive_begin(struct pass *p, const struct archive_manifest *m) {
    char path[TC_FS_PATH_MAX];
    struct reference_opts opts = {.gid = p->gid};
    if (p->index == 0) {
        pass__archive_give_up(p, "no mark could be set in the log");
        return;
    }
    if (last_of(m) < p->index) {
        (void)snprintf(path, sizeof path, "archived to %" PRIu64 ", the mark is at %" PRIu64,
                       last_of(m), p->index);
        pass__archive_give_up(p, path);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/reference-%" PRIu64, p->env->dir, p->gid);
    tc_err err = reference_new(p->env->fs, path, &opts, &p->reference);
    if (err != TC_OK)
        pass__archive_give_up(p, tc_err_text(err));
}

static void finish_reference(struct pass *p) {
    if (p->reference == NULL)
        return;
    if (reference_mark(p->reference).index != p->index) {
        pass__archive_give_up(p, "the archive does not lead to the mark");
        return;
    }
    reference_sums(p->reference, &p->reference_copy.sums);
    p->reference_copy.item_count = reference_item_count(p->reference);
    p->reference_copy.chain = reference_mark(p->reference).chain;
}

static void conclude(struct pass *p, const struct archive_manifest *m, tc_err err) {
    size_t count = pass__findings(p, "archive");
    if (count > 0)
        pass__check(p, "archive", DAMAGED, "%zu findings", count);
    else if (err != TC_OK)
        pass__check(p, "archive", NOT_RUN, "not all of it could be read: %s", tc_err_text(err));
    else
        pass__check(p, "archive", CLEAN, "%zu segments, %zu snapshots, up to index %" PRIu64,
                    m->segment_count, m->snapshot_count, p->out->archive_index);
}

static void read_all(struct pass *p, const struct archive_manifest *m) {
    p->out->archive_index = last_of(m);
    struct tc_buf hole = {0};
    if (archive_manifest_check(m, &hole) != TC_OK)
        pass__finding(p, "archive", "manifest", "%.*s", TC_SLICE_ARGS(tc_buf_slice(&hole)));
    tc_buf_deinit(&hole);
    pass__archive_begin(p, m);
    tc_err err = pass__archive_snapshots(p, m);
    tc_err segments = err == TC_ECLOSED ? err : read_segments(p, m);
    finish_reference(p);
    conclude(p, m, err != TC_OK ? err : segments);
}

void pass__archive(struct pass *p) {
    if (p->env->store == NULL) {
        pass__check(p, "archive", NOT_RUN, "no archive is configured");
        pass__check(p, "reference", NOT_RUN, "no archive is configured");
        return;
    }
    struct archive_manifest m = {0};
    tc_err err = wait_manifest(p, &m);
    if (err == TC_OK) {
        read_all(p, &m);
    } else if (err == TC_ECORRUPT) {
        pass__finding(p, "archive", "manifest", "the newest manifest is damaged");
        pass__check(p, "archive", DAMAGED, "the newest manifest is damaged");
        pass__check(p, "reference", NOT_RUN, "the newest manifest is damaged");
    } else {
        const char *why = err == TC_ENOTFOUND ? "nothing is archived yet" : tc_err_text(err);
        pass__check(p, "archive", NOT_RUN, "%s", why);
        pass__check(p, "reference", NOT_RUN, "%s", why);
    }
    archive_manifest_deinit(&m);
}
