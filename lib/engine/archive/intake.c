#include "engine/archive/intake.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct intake_replica {
    uint32_t rid;       /* 0: unused */
    uint64_t asked;     /* ranges up to here were asked for, once each */
    uint64_t seen_turn; /* who was heard of longest ago makes room */
};

struct intake_group {
    uint64_t gid;
    bool loaded; /* manifest is what the store holds; version 0: nothing there */
    struct archive_manifest manifest;
    struct intake_replica replicas[INTAKE_REPLICAS_MAX];
    uint64_t turn;
    char problem[INTAKE_PROBLEM_BYTES_MAX];
};

struct intake {
    struct objstore *store;
    bool compress;
    struct tc_map groups; /* gid -> intake_group */
    struct intake_counters counters;
};

struct intake *intake_new(struct objstore *store, bool compress) {
    struct intake *in = calloc(1, sizeof *in);
    TC_ASSERT(in != NULL);
    in->store = store;
    in->compress = compress;
    return in;
}

void intake_free(struct intake *in) {
    if (in == NULL)
        return;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&in->groups, &at, &key, &value)) {
        struct intake_group *g = value;
        archive_manifest_deinit(&g->manifest);
        free(g);
    }
    tc_map_deinit(&in->groups);
    free(in);
}

const struct intake_counters *intake_counters(const struct intake *in) {
    return &in->counters;
}

static void drop(struct intake_group *g) {
    archive_manifest_deinit(&g->manifest);
    g->loaded = false;
}

static tc_err load(struct intake *in, struct intake_group *g) {
    if (g->loaded)
        return TC_OK;
    tc_err err = archive_manifest_load(in->store, g->gid, &g->manifest);
    if (err == TC_ECORRUPT)
        in->counters.archive_damaged++;
    if (err != TC_OK && err != TC_ENOTFOUND)
        return err;
    g->loaded = true;
    return TC_OK;
}

static tc_err find_group(struct intake *in, uint64_t gid, struct intake_group **ret_group) {
    struct intake_group *g = tc_map_get(&in->groups, tc_map_u64_key(&gid));
    if (g == NULL) {
        if (in->groups.count >= INTAKE_GROUPS_MAX)
            return TC_ELIMIT;
        g = calloc(1, sizeof *g);
        TC_ASSERT(g != NULL);
        g->gid = gid;
        tc_map_put(&in->groups, tc_map_u64_key(&gid), g);
    }
    TC_TRY(load(in, g));
    *ret_group = g;
    return TC_OK;
}

static struct intake_replica *find_replica(struct intake_group *g, uint32_t rid) {
    struct intake_replica *oldest = &g->replicas[0];
    for (size_t i = 0; i < INTAKE_REPLICAS_MAX; i++) {
        struct intake_replica *r = &g->replicas[i];
        if (r->rid == rid) {
            r->seen_turn = ++g->turn;
            return r;
        }
        if (r->seen_turn < oldest->seen_turn)
            oldest = r;
    }
    /* New here: it is compared from the newest segment on; older ones it may have trimmed. */
    size_t count = g->manifest.segment_count;
    uint64_t from = count ? g->manifest.segments[count - 1].first - 1 : g->manifest.base_index;
    *oldest = (struct intake_replica){.rid = rid, .asked = from, .seen_turn = ++g->turn};
    return oldest;
}

static void say(struct intake_group *g, const struct intake_offer *o, const char *what,
                uint64_t first, uint64_t last) {
    snprintf(g->problem, sizeof g->problem,
             "%.*s rid %" PRIu32 ": %s at [%" PRIu64 ", %" PRIu64 "]", TC_SLICE_ARGS(o->node),
             o->rid, what, first, last);
}

/* Read one archived segment back whole and checked. */
static tc_err read_segment(struct intake *in, const struct intake_group *g,
                           const struct archive_segment_ref *ref, struct tc_buf *object,
                           struct tc_buf *scratch, struct archive_segment *ret_segment) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    archive_segment_key(g->gid, ref->first, ref->last, ref->chain_after, key);
    TC_TRY(objstore_get(in->store, key, object));
    struct archive_segment s;
    TC_TRY(archive_segment_decode(tc_buf_slice(object), scratch, &s));
    bool right = s.gid == g->gid && s.first == ref->first && s.last == ref->last &&
                 s.chain_before == ref->chain_before && s.chain_after == ref->chain_after;
    if (!right)
        return TC_ECORRUPT;
    *ret_segment = s;
    return TC_OK;
}

static tc_err chain_inside(struct intake *in, const struct intake_group *g,
                           const struct archive_segment_ref *ref, uint64_t index,
                           uint64_t *ret_chain) {
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment s;
    struct archive_entry e = {0};
    tc_err err = read_segment(in, g, ref, &object, &scratch, &s);
    while (err == TC_OK && e.index < index)
        if (!archive_entry_next(&s.entries, &e))
            err = TC_ECORRUPT;
    if (err == TC_OK)
        *ret_chain = e.chain;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    return err;
}

/* The chain hash that the archive holds at index.
 *   Errors  TC_ENOTFOUND  outside; TC_ECORRUPT  the object is damaged or gone */
static tc_err chain_at(struct intake *in, const struct intake_group *g, uint64_t index,
                       uint64_t *ret_chain) {
    const struct archive_manifest *m = &g->manifest;
    if (index == m->base_index) {
        *ret_chain = m->base_chain;
        return TC_OK;
    }
    const struct archive_segment_ref *ref = archive_manifest_find(m, index);
    if (ref == NULL)
        return TC_ENOTFOUND;
    if (ref->last == index) {
        *ret_chain = ref->chain_after;
        return TC_OK;
    }
    tc_err err = chain_inside(in, g, ref, index, ret_chain);
    return err == TC_ENOTFOUND ? TC_ECORRUPT : err;
}

/* Two histories differ: is the archive's own copy whole? Then it is the replica that differs. */
static tc_err attribute(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    const struct archive_segment_ref *ref = archive_manifest_find(&g->manifest, s->last);
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment there;
    tc_err err = ref ? read_segment(in, g, ref, &object, &scratch, &there) : TC_OK;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    if (err != TC_OK && err != TC_ECORRUPT && err != TC_ENOTFOUND)
        return err;
    if (err == TC_OK) {
        in->counters.replicas_differ++;
        say(g, o, "chain differs", s->first, s->last);
    } else {
        in->counters.archive_damaged++;
        snprintf(g->problem, sizeof g->problem,
                 "archive: segment [%" PRIu64 ", %" PRIu64 "] is damaged", ref->first, ref->last);
    }
    return TC_OK;
}

/* A range that the archive has: both its ends must have the same chain hash there. */
static tc_err compare(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (s->first <= g->manifest.base_index)
        return TC_OK; /* older than the archive knows */
    uint64_t before = 0;
    uint64_t after = 0;
    tc_err err = chain_at(in, g, s->first - 1, &before);
    if (err == TC_OK)
        err = chain_at(in, g, s->last, &after);
    if (err == TC_ENOTFOUND)
        return TC_OK;
    if (err == TC_OK && before == s->chain_before && after == s->chain_after) {
        in->counters.ranges_verified++;
        return TC_OK;
    }
    return err == TC_OK || err == TC_ECORRUPT ? attribute(in, g, o) : err;
}

/* ---- archiving ------------------------------------------------------------------------------- */

/* An object of this name exists already: from a run that was not named by a manifest in the end, or
 * it rotted since. */
static tc_err compare_existing(struct intake *in, struct intake_group *g,
                               const struct archive_segment *s, struct archive_segment_ref *ref) {
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment there;
    tc_err err = read_segment(in, g, ref, &object, &scratch, &there);
    if (err == TC_OK && !tc_slice_eq(there.entries, s->entries))
        err = TC_ECORRUPT;
    if (err == TC_OK) {
        ref->bytes = object.len;
        ref->crc = tc_crc32c(0, object.data, object.len);
    }
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    if (err != TC_ECORRUPT)
        return err;
    in->counters.archive_damaged++;
    snprintf(g->problem, sizeof g->problem,
             "archive: object of [%" PRIu64 ", %" PRIu64 "] exists and differs", s->first, s->last);
    return TC_ECORRUPT;
}

static tc_err put_segment(struct intake *in, struct intake_group *g,
                          const struct archive_segment *s, struct archive_segment_ref *ref) {
    char key[ARCHIVE_OBJECT_KEY_BYTES];
    struct tc_buf object = {0};
    tc_err err = archive_segment_encode(s, in->compress, &object);
    if (err == TC_OK) {
        ref->bytes = object.len;
        ref->crc = tc_crc32c(0, object.data, object.len);
        archive_segment_key(g->gid, s->first, s->last, s->chain_after, key);
        err = objstore_put(in->store, key, tc_buf_slice(&object));
    }
    if (err == TC_OK)
        in->counters.segment_bytes += object.len;
    tc_buf_deinit(&object);
    return err == TC_EEXISTS ? compare_existing(in, g, s, ref) : err;
}

static struct archive_segment_ref ref_of(const struct archive_segment *s) {
    struct archive_segment_ref ref = {
        .first = s->first,
        .last = s->last,
        .chain_before = s->chain_before,
        .chain_after = s->chain_after,
        .first_ms = s->first_ms,
        .last_ms = s->last_ms,
    };
    struct tc_slice rest = s->entries;
    struct archive_entry e;
    while (archive_entry_next(&rest, &e)) {
        if (ref.first_ballot == 0)
            ref.first_ballot = e.ballot;
        ref.last_ballot = e.ballot;
    }
    return ref;
}

static void describe(struct archive_manifest *m, const struct archive_segment *s) {
    if (m->version == 0) {
        m->gid = s->gid;
        m->base_index = s->first - 1;
        m->base_chain = s->chain_before;
    }
    m->table_id = s->table_id;
    tc_buf_clear(&m->table);
    tc_buf_clear(&m->start);
    tc_buf_clear(&m->end);
    tc_buf_append_slice(&m->table, s->table);
    tc_buf_append_slice(&m->start, s->start);
    tc_buf_append_slice(&m->end, s->end);
}

static void note_parents(struct archive_manifest *m, const struct intake_offer *o) {
    m->parent_gid = o->parent_gid;
    if (o->right_gid == 0)
        return;
    m->parent_index = o->parent_index;
    m->right_gid = o->right_gid;
    m->right_index = o->right_index;
}

/* The first segment of a child joins its parent's log where it says that it was split off. */
static bool joins_parent(struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (g->manifest.version != 0 || o->parent_gid == 0)
        return true;
    bool joins = s->first == o->base_index + 1 && s->chain_before == o->base_chain;
    if (!joins)
        say(g, o, "does not begin where its parents end", s->first, s->last);
    return joins;
}

static tc_err archive(struct intake *in, struct intake_group *g, const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    struct tc_buf diag = {0};
    if (archive_entries_check(s, &diag) != TC_OK) {
        in->counters.entries_refused++;
        snprintf(g->problem, sizeof g->problem, "%.*s rid %" PRIu32 ": %.*s",
                 TC_SLICE_ARGS(o->node), o->rid, TC_SLICE_ARGS(tc_buf_slice(&diag)));
        tc_buf_deinit(&diag);
        return TC_OK;
    }
    struct archive_segment_ref ref = ref_of(s);
    TC_TRY(put_segment(in, g, s, &ref));
    if (g->manifest.version == 0)
        note_parents(&g->manifest, o);
    describe(&g->manifest, s);
    tc_err err = archive_manifest_add_segment(&g->manifest, &ref);
    if (err == TC_OK)
        err = archive_manifest_store(in->store, &g->manifest);
    if (err != TC_OK) {
        drop(g);
        in->counters.races_lost += err == TC_EEXISTS;
        return err == TC_EEXISTS ? TC_ESTALE : err;
    }
    in->counters.segments++;
    in->counters.entries += s->last - s->first + 1;
    g->problem[0] = 0;
    return TC_OK;
}

static tc_err take_entries(struct intake *in, struct intake_group *g,
                           const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    if (!joins_parent(g, o)) {
        in->counters.holes_refused++;
        return TC_OK;
    }
    if (g->manifest.version == 0)
        return archive(in, g, o);
    uint64_t chain = 0;
    uint64_t last = archive_manifest_last(&g->manifest, &chain);
    if (s->first != last + 1) {
        /* The answer tells where to go on. */
        in->counters.holes_refused++;
        return s->last <= last ? compare(in, g, o) : TC_OK;
    }
    if (s->chain_before != chain) {
        in->counters.replicas_differ++;
        say(g, o, "chain differs", last, last);
        return TC_OK;
    }
    return archive(in, g, o);
}

/* A merged group's log begins above both its parents'. */
static bool malformed_merge(const struct intake_offer *o) {
    uint64_t higher = o->parent_index > o->right_index ? o->parent_index : o->right_index;
    return o->right_gid != 0 &&
           (o->parent_gid == 0 || o->parent_gid == o->right_gid || o->parent_index == 0 ||
            o->right_index == 0 || o->base_index != higher);
}

static bool malformed(const struct intake_offer *o) {
    const struct archive_segment *s = &o->segment;
    bool asking = s->first == 0;
    return o->rid == 0 || s->gid == 0 || o->node.len > INTAKE_NODE_BYTES_MAX ||
           s->table.len > ARCHIVE_NAME_BYTES_MAX || s->start.len > ARCHIVE_KEY_BYTES_MAX ||
           s->end.len > ARCHIVE_KEY_BYTES_MAX ||
           (!asking && (s->last < s->first || s->last == UINT64_MAX)) || malformed_merge(o);
}

/* Ask each replica once for each segment; whoever archived a segment has shown it already. */
static void choose_range(struct intake_group *g, const struct intake_offer *o, uint64_t last,
                         struct intake_reply *reply) {
    struct intake_replica *r = find_replica(g, o->rid);
    bool uploaded = o->segment.entries.len > 0 && o->segment.last == last;
    if (uploaded)
        r->asked = last;
    const struct archive_segment_ref *next =
        r->asked < last ? archive_manifest_find(&g->manifest, r->asked + 1) : NULL;
    if (next == NULL)
        return;
    reply->verify_first = next->first;
    reply->verify_last = next->last;
    r->asked = next->last;
}

tc_err intake_take(struct intake *in, const struct intake_offer *o,
                   struct intake_reply *ret_reply) {
    if (malformed(o))
        return TC_EINVAL;
    struct intake_group *g = NULL;
    TC_TRY(find_group(in, o->segment.gid, &g));
    in->counters.offers++;
    char before[INTAKE_PROBLEM_BYTES_MAX];
    memcpy(before, g->problem, sizeof before);
    if (o->segment.first != 0 && o->segment.entries.len > 0)
        TC_TRY(take_entries(in, g, o));
    else if (o->segment.first != 0 && g->manifest.version != 0)
        TC_TRY(compare(in, g, o));
    struct intake_reply reply = {0};
    if (g->manifest.version != 0) {
        reply.archived = archive_manifest_last(&g->manifest, &reply.archived_chain);
        choose_range(g, o, reply.archived, &reply);
    } else if (o->parent_gid != 0) {
        reply.archived = o->base_index; /* what is below is its parent's */
        reply.archived_chain = o->base_chain;
    }
    /* Told to the replica whose offer showed it; the status keeps it for people. */
    if (strcmp(before, g->problem) != 0)
        memcpy(reply.problem, g->problem, sizeof reply.problem);
    *ret_reply = reply;
    return TC_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint64_t copy_page(struct tc_slice entries, uint64_t first, uint64_t last,
                          struct tc_buf *out) {
    struct archive_entry e;
    uint64_t count = 0, bytes = 0;
    while (count < INTAKE_READ_ENTRIES_MAX && archive_entry_next(&entries, &e) && e.index <= last) {
        if (e.index < first)
            continue;
        bytes += e.body.len;
        if (count > 0 && bytes > INTAKE_READ_BYTES_MAX)
            break;
        archive_entry_encode(&e, out);
        count++;
    }
    return count;
}

tc_err intake_read(struct intake *in, uint64_t gid, uint64_t first, uint64_t last,
                   struct tc_buf *ret_entries) {
    struct intake_group *g = NULL;
    if (gid == 0 || first == 0 || last < first)
        return TC_EINVAL;
    TC_TRY(find_group(in, gid, &g));
    const struct archive_segment_ref *ref = archive_manifest_find(&g->manifest, first);
    if (ref == NULL)
        return TC_ENOTFOUND;
    struct tc_buf object = {0};
    struct tc_buf scratch = {0};
    struct archive_segment s;
    tc_err err = read_segment(in, g, ref, &object, &scratch, &s);
    if (err == TC_OK)
        in->counters.entries_read += copy_page(s.entries, first, last, ret_entries);
    if (err == TC_ENOTFOUND)
        err = TC_ECORRUPT; /* the manifest names it */
    in->counters.archive_damaged += err == TC_ECORRUPT;
    tc_buf_deinit(&object);
    tc_buf_deinit(&scratch);
    return err;
}

static int ascending(const void *a, const void *b) {
    uint64_t left = (*(struct intake_group *const *)a)->gid;
    uint64_t right = (*(struct intake_group *const *)b)->gid;
    return (left > right) - (left < right);
}

void intake_each_group(struct intake *in,
                       void (*visit)(void *user, const struct intake_group_status *g), void *user) {
    struct intake_group **all = calloc(in->groups.count + 1, sizeof *all);
    TC_ASSERT(all != NULL);
    size_t count = 0;
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&in->groups, &at, &key, &value))
        all[count++] = value;
    qsort((void *)all, count, sizeof *all, ascending);
    for (size_t i = 0; i < count; i++) {
        const struct archive_manifest *m = &all[i]->manifest;
        uint64_t chain = 0;
        size_t segments = m->segment_count;
        struct intake_group_status st = {
            .gid = all[i]->gid,
            .archived = m->version ? archive_manifest_last(m, &chain) : 0,
            .segment_count = segments,
            .last_ms = segments ? m->segments[segments - 1].last_ms : 0,
            .problem = all[i]->problem,
        };
        visit(user, &st);
    }
    free((void *)all);
}
