#include "shell_orders.h"

#include "base/assert.h"
#include "shell_orders_private.h"

enum {
    ACTIONS_PER_ROUND_MAX = 16,
    NOTE_AFTER_MS = 2000, /* what an order waits for becomes worth a write */
};

/* ---- the records */

/* False: what nobody can read nobody carries out. It stays for a person, and `tercet orders`. */
static bool take(struct shell_order *o, const struct system_record *r) {
    Tercet__Pb__ReshapeOrder *m =
        tercet__pb__reshape_order__unpack(NULL, r->data.len, r->data.data);
    if (m == NULL)
        return false;
    bool merge = m->kind == TERCET__PB__RESHAPE_KIND__RESHAPE_MERGE;
    bool known = (unsigned)m->kind <= (unsigned)RESHAPE_MERGE &&
                 m->n_parents == (merge ? 2u : 1u) && m->n_children <= RESHAPE_CHILDREN_MAX &&
                 (unsigned)m->step < (unsigned)RESHAPE_STEPS;
    if (!known) {
        tercet__pb__reshape_order__free_unpacked(m, NULL);
        return false;
    }
    *o = (struct shell_order){.message = *m, .unpacked = m, .name = r->name, .version = r->version};
    for (size_t i = 0; i < m->n_children; i++)
        o->children[i] = m->children[i];
    o->message.children = o->children;
    return true;
}

void shell_orders_read(struct shell_orders *o, struct catalog *c) {
    struct catalog_records records = {0};
    *o = (struct shell_orders){0};
    tc_arena_init(&o->arena, SHELL_ARENA_BYTES_MAX);
    if (catalog_read(c, SYSTEM_KIND_RESHAPE, &o->arena, &records) != TC_OK)
        return;
    o->at = tc_arena_calloc(&o->arena, records.count + 1, sizeof *o->at);
    TC_ASSERT(o->at != NULL); /* the arena's bound is far above any legal cluster */
    for (size_t i = 0; i < records.count; i++) {
        struct shell_order *order = &o->at[o->count];
        if (!take(order, &records.at[i]))
            continue;
        o->count++;
        enum reshape_step step = (enum reshape_step)order->message.step;
        o->open_count += !reshape_is_closed(step);
        o->urgent = o->urgent || reshape_is_urgent(step);
    }
}

void shell_orders_free(struct shell_orders *o) {
    for (size_t i = 0; i < o->count; i++)
        tercet__pb__reshape_order__free_unpacked(o->at[i].unpacked, NULL);
    tc_arena_deinit(&o->arena);
    *o = (struct shell_orders){0};
}

void shell_orders_note(const struct shell_orders *o, struct shell_view *v) {
    uint64_t *open = shell_view_alloc(v, o->count * RESHAPE_PARENTS_MAX, sizeof *open);
    uint64_t *refused = shell_view_alloc(v, o->count * RESHAPE_PARENTS_MAX, sizeof *refused);
    uint32_t open_count = 0, refused_count = 0;
    for (size_t i = 0; i < o->count; i++) {
        const Tercet__Pb__ReshapeOrder *m = &o->at[i].message;
        for (size_t k = 0; k < m->n_parents; k++)
            if (!reshape_is_closed((enum reshape_step)m->step))
                open[open_count++] = m->parents[k];
            else if ((enum reshape_step)m->step == RESHAPE_REFUSED)
                refused[refused_count++] = m->parents[k];
    }
    v->snapshot.reshaped = open;
    v->snapshot.reshaped_count = open_count;
    v->snapshot.refused = refused;
    v->snapshot.refused_count = refused_count;
}

/* ---- one order */

/* Why it waits is written down when it has waited for a while, and only when that is news. */
static void note(struct shell_order *o, struct catalog *c, uint64_t age_ms, const char *text) {
    if (age_ms < NOTE_AFTER_MS || strcmp(o->message.waits, text) == 0)
        return;
    o->message.waits = (char *)(uintptr_t)text;
    /* Lost: the next round writes it. */
    TC_IGNORE(shell_order_write(o, c));
}

static bool looks_again(enum reshape_action_type type) {
    return type == RESHAPE_ASK || type == RESHAPE_SEAL || type == RESHAPE_MOVE ||
           type == RESHAPE_TRANSFER || type == RESHAPE_DELETE_COPIES;
}

static const char *action_name(enum reshape_action_type type) {
    static const char *const names[] = {
        [RESHAPE_WAIT] = "wait",
        [RESHAPE_RESERVE] = "reserve",
        [RESHAPE_ENTER] = "enter",
        [RESHAPE_ASK] = "ask",
        [RESHAPE_SEAL] = "seal",
        [RESHAPE_MOVE] = "move",
        [RESHAPE_TRANSFER] = "transfer",
        [RESHAPE_RECORD_CHILD] = "record_child",
        [RESHAPE_RECORD_TABLE] = "record_table",
        [RESHAPE_DELETE_COPIES] = "delete_copies",
        [RESHAPE_FORGET_PARENT] = "forget_parent",
        [RESHAPE_FORGET_CHILD] = "forget_child",
        [RESHAPE_FORGET] = "forget",
    };
    return names[type];
}

static void tell(const struct shell_order *o, struct daemon_log *log,
                 const struct reshape_action *a, tc_err err) {
    if (err == TC_OK)
        DAEMON_INFO(log, "order goes on: gid=%llu action=%s step=%s",
                    (unsigned long long)o->message.parents[0], action_name(a->type),
                    reshape_step_name((enum reshape_step)o->message.step));
    else
        DAEMON_DEBUG(log, "order's action comes again: gid=%llu action=%s err=%s",
                     (unsigned long long)o->message.parents[0], action_name(a->type),
                     tc_err_name(err));
}

/* The leader's answer ended the order: nothing was made, and nothing ever will be. */
static void refuse(struct shell_order *o, struct catalog *c, const struct shell_view *v,
                   const char *why) {
    struct reshape_action a = {.type = RESHAPE_ENTER, .step = RESHAPE_REFUSED, .waits = why};
    TC_IGNORE(shell_order_act(o, c, v, &a)); /* a later round asks again and is refused again */
}

static void step(struct shell_order *o, struct catalog *c, const struct shell_view *v,
                 struct daemon_log *log, uint32_t *done, uint32_t *failed) {
    struct reshape_view seen = shell_order_look(o, v);
    for (int i = 0; i < ACTIONS_PER_ROUND_MAX; i++) {
        struct reshape_action a = reshape_next(&seen);
        tc_err err = a.type == RESHAPE_WAIT ? TC_OK : shell_order_act(o, c, v, &a);
        bool asked = a.type == RESHAPE_ASK || a.type == RESHAPE_SEAL;
        const char *refusal = asked ? reshape_refusal(err) : NULL;
        if (a.type != RESHAPE_WAIT)
            tell(o, log, &a, err);
        if (refusal)
            refuse(o, c, v, refusal);
        else if (a.type == RESHAPE_WAIT || looks_again(a.type) || err != TC_OK)
            note(o, c, seen.step_age_ms,
                 err != TC_OK && a.type != RESHAPE_DELETE_COPIES ? tc_err_text(err) : a.waits);
        *done += a.type != RESHAPE_WAIT && err == TC_OK;
        *failed += err != TC_OK;
        if (a.type == RESHAPE_WAIT || a.type == RESHAPE_FORGET || looks_again(a.type) ||
            err != TC_OK)
            return;
        reshape_did(&seen, &a);
    }
}

void shell_orders_step(struct shell_orders *o, struct catalog *c, const struct shell_view *v,
                       struct daemon_log *log, uint32_t *ret_done, uint32_t *ret_failed) {
    *ret_done = *ret_failed = 0;
    for (size_t i = 0; i < o->count; i++)
        step(&o->at[i], c, v, log, ret_done, ret_failed);
}
