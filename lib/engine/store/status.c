/* The admin page: this node and its replicas as JSON, for people and tools. */
#include "engine/store/directory.h"
#include "engine/store/group.h"
#include "engine/store/heal.h"
#include "engine/store/replica.h"

#include <inttypes.h>

static void append_json_text(struct tc_buf *out, const char *text) {
    tc_buf_append_u8(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            tc_buf_append_u8(out, '\\');
        tc_buf_append_u8(out, (uint8_t)*text < 0x20 ? ' ' : (uint8_t)*text);
    }
    tc_buf_append_u8(out, '"');
}

static const char *change_text(Tercet__Pb__ChangeState state) {
    static const char *const texts[] = {"none", "learning", "joint", "log", "copying", "done"};
    return (size_t)state < sizeof texts / sizeof texts[0] ? texts[state] : "unknown";
}

static void append_change_json(const struct replica *r, struct tc_buf *out) {
    Tercet__Pb__ChangeReplicaReply c = TERCET__PB__CHANGE_REPLICA_REPLY__INIT;
    store__heal_progress(r, &c);
    tc_buf_printf(out, ",\"live_logs\":%" PRIu32, r->live_logs);
    if (c.state != TERCET__PB__CHANGE_STATE__CHANGE_NONE)
        tc_buf_printf(out,
                      ",\"change\":{\"rid\":%" PRIu32 ",\"state\":\"%s\",\"done\":%" PRIu64
                      ",\"total\":%" PRIu64 "}",
                      c.rid, change_text(c.state), c.done, c.total);
}

/* Who it is, and how it stands in its group. */
static void append_role_json(const struct replica *r, struct tc_buf *out) {
    const char *role = r->paxos ? paxos_role_name(r->status.role) : "none";
    tc_buf_printf(out, "{\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"table\":", r->gid,
                  r->desc->partition->table_id);
    append_json_text(out, r->desc->table_name);
    tc_buf_printf(out, ",\"rid\":%" PRIu32 ",\"role\":\"%s\",\"serving\":%s,\"leader\":%" PRIu32,
                  r->rid, role, store__group_leads(r) ? "true" : "false", r->status.leader);
    tc_buf_printf(out, ",\"round\":%" PRIu64, paxos_ballot_round(r->status.promised));
}

static void append_log_json(const struct replica *r, struct tc_buf *out) {
    tc_buf_printf(out,
                  ",\"base\":%" PRIu64 ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64
                  ",\"applied\":%" PRIu64 ",\"checkpoint\":%" PRIu64 ",\"archived\":%" PRIu64,
                  r->status.base.index, r->status.last.index, r->status.commit, r->applied.index,
                  r->checkpoint.durable, r->status.archived);
    if (r->desc->parent_gid)
        tc_buf_printf(out, ",\"parent\":%" PRIu64, r->desc->parent_gid);
    if (r->desc->right_gid)
        tc_buf_printf(out, ",\"right_parent\":%" PRIu64, r->desc->right_gid);
}

static void append_tree_json(const struct replica *r, struct tc_buf *out) {
    struct btree_stats stats = btree_stats(r->tree);
    tc_buf_printf(out, ",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64, stats.item_count - r->aux.count,
                  stats.item_bytes - r->aux.bytes);
    if (r->aux.count > 0)
        tc_buf_printf(out, ",\"auxiliary\":%" PRIu64 ",\"outbox\":%" PRIu64, r->aux.count,
                      r->aux.outbox_count);
}

static void append_replica_json(const struct replica *r, struct tc_buf *out) {
    append_role_json(r, out);
    append_log_json(r, out);
    if (r->tree)
        append_tree_json(r, out);
    tc_buf_append_str(out, ",\"state\":");
    append_json_text(out, store__replica_state_text(r));
    if (r->paxos && store__group_leads(r))
        append_change_json(r, out);
    if (r->archive.problem[0]) {
        tc_buf_append_str(out, ",\"archive_problem\":");
        append_json_text(out, r->archive.problem);
    }
    tc_buf_append_u8(out, '}');
}

static void append_disk_json(const struct store *s, struct tc_buf *out) {
    struct store_disk disk = store_disk(s);
    tc_buf_printf(out,
                  "\"disk\":{\"used_permille\":%" PRIu64
                  ",\"fill\":\"%s\",\"slow\":%s,\"errors_day\":%zu,\"drain\":",
                  disk.used_permille, disk_fill_name(disk.fill), disk.slow ? "true" : "false",
                  disk.errors);
    append_json_text(out, disk.drain ? disk.drain : "");
    tc_buf_append_str(out, "},");
}

static void append_node_json(const struct store *s, struct tc_buf *out) {
    struct wal_space space = wal_space(s->wal);
    struct store_heal_counts counts;
    store_heal_counts(s, &counts);
    tc_buf_append_str(out, "{\"node\":");
    append_json_text(out, s->node);
    tc_buf_append_str(out, ",\"zone\":");
    append_json_text(out, s->zone);
    tc_buf_append_str(out, ",\"store\":\"");
    for (size_t i = 0; i < STORE_UUID_BYTES; i++)
        tc_buf_printf(out, "%02x", s->uuid[i]);
    tc_buf_printf(out,
                  "\",\"boot\":%" PRIu64 ",\"wal_bytes\":%" PRIu64 ",\"wal_max_bytes\":%" PRIu64
                  ",\"directory_version\":%" PRIu64 ",\"groups_short\":%zu,\"heals_running\":%zu"
                  ",",
                  s->boot, space.used_bytes, space.max_bytes,
                  s->directory->pb ? s->directory->pb->version : 0, counts.short_groups,
                  counts.running);
}

void store_status_json(struct store *s, struct tc_buf *out) {
    append_node_json(s, out);
    append_disk_json(s, out);
    tc_buf_append_str(out, "\"replicas\":[");
    for (size_t i = 0; i < s->replica_count; i++) {
        if (i > 0)
            tc_buf_append_u8(out, ',');
        append_replica_json(s->replicas[i], out);
    }
    tc_buf_append_str(out, "]}");
}
