/* The board as the status page shows it. */
#include "scrubber/shell_board_private.h"

#include <inttypes.h>

static void json_text(struct tc_buf *out, const char *text) {
    tc_buf_append_u8(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            tc_buf_append_u8(out, '\\');
        if ((unsigned char)*c < 0x20)
            tc_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            tc_buf_append_u8(out, (uint8_t)*c);
    }
    tc_buf_append_u8(out, '"');
}

static const char *state_name(Tercet__Pb__ScrubState s) {
    return s == TERCET__PB__SCRUB_STATE__SCRUB_CLEAN     ? "clean"
           : s == TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED ? "damaged"
                                                         : "not run";
}

static void json_checks(struct tc_buf *out, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++) {
        tc_buf_printf(out, "%s{\"check\":\"%s\",\"state\":\"%s\",\"why\":", i ? "," : "",
                      g->checks[i]->name, state_name(g->checks[i]->state));
        json_text(out, g->checks[i]->why);
        tc_buf_append_str(out, "}");
    }
}

static void json_finding(struct tc_buf *out, const Tercet__Pb__ScrubFinding *f) {
    tc_buf_printf(out, "{\"check\":\"%s\",\"copy\":", f->check);
    json_text(out, f->copy);
    tc_buf_append_str(out, ",\"what\":");
    json_text(out, f->what);
    tc_buf_append_str(out, ",\"key\":\"");
    for (size_t k = 0; k < f->key.len; k++)
        tc_buf_printf(out, "%02x", f->key.data[k]);
    tc_buf_append_str(out, "\"}");
}

static void json_findings(struct tc_buf *out, const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_findings; i++) {
        tc_buf_append_str(out, i ? "," : "");
        json_finding(out, g->findings[i]);
    }
}

/* Oldest first. */
static void json_recent(struct tc_buf *out, const struct board *b) {
    uint64_t first =
        b->recent_count > BOARD_RECENT_COUNT_MAX ? b->recent_count - BOARD_RECENT_COUNT_MAX : 0;
    for (uint64_t n = first; n < b->recent_count; n++) {
        const struct board_recent *r = &b->recent[n % BOARD_RECENT_COUNT_MAX];
        tc_buf_printf(out, "%s{\"gid\":%" PRIu64 ",\"ms\":%" PRIu64 ",\"finding\":",
                      n > first ? "," : "", r->gid, r->ms);
        if (r->finding)
            json_finding(out, r->finding);
        else
            tc_buf_append_str(out, "null");
        tc_buf_append_str(out, "}");
    }
}

static void json_group(struct tc_buf *out, const Tercet__Pb__ScrubGroup *g, int depth) {
    tc_buf_printf(out,
                  "{\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64
                  ",\"depth\":\"%s\",\"state\":\"%s\",\"index\":%" PRIu64
                  ",\"archive_index\":%" PRIu64 ",\"items\":%" PRIu64 ",\"pages\":%" PRIu64
                  ",\"ended_ms\":%" PRIu64 ",\"checks\":[",
                  g->gid, g->table_id, board_depth_names[depth], state_name(pass_group_state(g)),
                  g->index, g->archive_index, g->items, g->pages, g->ended_ms);
    json_checks(out, g);
    tc_buf_append_str(out, "],\"findings\":[");
    json_findings(out, g);
    tc_buf_append_str(out, "]}");
}

void board_json(struct board *b, struct tc_buf *ret_json) {
    size_t printed = 0;
    pthread_mutex_lock(&b->lock);
    tc_buf_printf(ret_json,
                  "{\"quick_passes\":%" PRIu64 ",\"deep_passes\":%" PRIu64 ",\"problem\":",
                  b->passes[PASS_QUICK], b->passes[PASS_DEEP]);
    tc_buf_append_u8(&b->problem, 0);
    b->problem.len--;
    json_text(ret_json, (const char *)b->problem.data);
    tc_buf_append_str(ret_json, ",\"groups\":[");
    for (size_t i = 0; i < b->count; i++)
        for (int d = 0; d < BOARD_DEPTHS; d++) {
            if (b->rows[i].last[d] == NULL)
                continue;
            tc_buf_append_str(ret_json, printed++ ? "," : "");
            json_group(ret_json, b->rows[i].last[d], d);
        }
    tc_buf_append_str(ret_json, "],\"recent_findings\":[");
    json_recent(ret_json, b);
    tc_buf_append_str(ret_json, "]}");
    pthread_mutex_unlock(&b->lock);
}
