#include "engine/store/beat.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/probe.h"
#include "engine/store/disk.h"
#include "engine/store/due.h"
#include "engine/store/group.h"

#include <stdlib.h>

/* ---- life and addresses */

tc_err store__beat_open(struct store *s) {
    struct paxos_options timers = store__group_timers(s);
    struct support_params params = {
        .boot = s->boot,
        .lease_ns = timers.lease_ns,
        .beat_ns = timers.beat_ns,
        .suspect_ns = timers.suspect_ns,
        .trace = &s->env.trace,
    };
    memcpy(params.store, s->uuid, sizeof params.store);
    return support_new(&params, &s->support);
}

void store__beat_close(struct store *s) {
    size_t at = 0;
    struct tc_slice key;
    void *value;
    while (tc_map_next(&s->addresses, &at, &key, &value))
        free(value);
    tc_map_deinit(&s->addresses);
    support_free(s->support);
    s->support = NULL;
}

void store__beat_learn(struct store *s, struct tc_slice uuid, const char *addr, bool newer) {
    const char *known = tc_map_get(&s->addresses, uuid);
    if (known && (!newer || strcmp(known, addr) == 0))
        return;
    char *copy = strdup(addr);
    TC_ASSERT(copy != NULL);
    free(tc_map_put(&s->addresses, uuid, copy));
}

/* ---- on the wire */

static uint32_t crc_number(uint32_t crc, uint64_t number) {
    uint8_t le[8];
    for (unsigned b = 0; b < 8; b++)
        le[b] = (uint8_t)(number >> (8 * b));
    return tc_crc32c(crc, le, sizeof le);
}

static uint32_t crc_ends(uint32_t crc, ProtobufCBinaryData from, ProtobufCBinaryData to) {
    return tc_crc32c(tc_crc32c(crc, from.data, from.len), to.data, to.len);
}

uint32_t store__beat_crc(const Tercet__Pb__NodeBeat *b) {
    uint32_t crc = crc_number(crc_number(0, b->boot), b->sent_ns);
    crc = crc_number(crc_number(crc, b->partial ? 1 : 0), b->n_gids);
    crc = crc_ends(crc, b->from_store, b->to_store);
    crc = tc_crc32c(crc, b->addr, strlen(b->addr));
    for (size_t i = 0; i < b->n_gids; i++)
        crc = crc_number(crc, b->gids[i]);
    for (size_t i = 0; i < b->n_numbers; i++)
        crc = crc_number(crc, b->numbers[i]);
    return crc;
}

uint32_t store__beat_ack_crc(const Tercet__Pb__NodeBeatAck *a) {
    uint32_t crc = crc_number(crc_number(0, a->boot), a->epoch);
    crc = crc_number(crc_number(crc, a->to_boot), a->echo_ns);
    return crc_ends(crc, a->from_store, a->to_store);
}

static bool ends_sound(ProtobufCBinaryData from, ProtobufCBinaryData to) {
    return from.len == SUPPORT_UUID_BYTES && to.len == SUPPORT_UUID_BYTES;
}

/* ---- out */

static void list_wakes(struct store *s, const struct support_beat *b, Tercet__Pb__NodeBeat *to) {
    to->gids = tc_arena_calloc(&s->scratch, b->wake_count + 1, sizeof *to->gids);
    to->numbers = tc_arena_calloc(&s->scratch, b->wake_count + 1, sizeof *to->numbers);
    TC_ASSERT(to->gids && to->numbers);
    to->n_gids = to->n_numbers = b->wake_count;
    for (size_t i = 0; i < b->wake_count; i++) {
        to->gids[i] = b->wakes[i].gid;
        to->numbers[i] = b->wakes[i].number;
    }
}

static void send_beat(struct store *s, const struct support_beat *b) {
    const char *addr = tc_map_get(&s->addresses, tc_slice(b->to, sizeof b->to));
    if (addr == NULL)
        return;
    Tercet__Pb__NodeBeat m = TERCET__PB__NODE_BEAT__INIT;
    m.from_store = proto_bytes(tc_slice(b->from, sizeof b->from));
    m.to_store = proto_bytes(tc_slice(b->to, sizeof b->to));
    m.boot = b->boot;
    m.sent_ns = b->sent_ns;
    m.partial = b->partial;
    m.addr = s->addr;
    tc_arena_reset(&s->scratch);
    list_wakes(s, b, &m);
    m.crc = store__beat_crc(&m);
    s->counters.beats_out++;
    store__send(s, STORE_SEND_BEAT, addr, 0, &m.base);
}

static void send_ack(struct store *s, const struct support_ack *a) {
    const char *addr = tc_map_get(&s->addresses, tc_slice(a->to, sizeof a->to));
    if (addr == NULL)
        return;
    Tercet__Pb__NodeBeatAck m = TERCET__PB__NODE_BEAT_ACK__INIT;
    m.from_store = proto_bytes(tc_slice(a->from, sizeof a->from));
    m.to_store = proto_bytes(tc_slice(a->to, sizeof a->to));
    m.boot = a->boot;
    m.epoch = a->epoch;
    m.to_boot = a->to_boot;
    m.echo_ns = a->echo_ns;
    m.crc = store__beat_ack_crc(&m);
    store__send(s, STORE_SEND_BEAT_ACK, addr, 0, &m.base);
}

/* ---- in */

static void hand_out_wakes(struct store *s, uint32_t slot, const Tercet__Pb__NodeBeat *m) {
    for (size_t i = 0; i < m->n_gids; i++) {
        struct replica *r = store__find(s, m->gids[i]);
        struct paxos_event ev = {.type = PAXOS_EV_WOKEN,
                                 .woken = {.slot = slot, .number = m->numbers[i]}};
        if (r && r->paxos)
            (void)store__group_step(r, &ev);
    }
}

tc_err store__beat_decode(const Tercet__Pb__NodeBeat *m, struct support_beat *ret_beat) {
    if (!ends_sound(m->from_store, m->to_store) || m->n_gids != m->n_numbers ||
        m->n_gids > SUPPORT_WAKES_MAX || strlen(m->addr) >= STORE_ADDR_BYTES_MAX ||
        store__beat_crc(m) != m->crc)
        return TC_ECORRUPT;
    *ret_beat =
        (struct support_beat){.boot = m->boot, .sent_ns = m->sent_ns, .partial = m->partial != 0};
    memcpy(ret_beat->from, m->from_store.data, sizeof ret_beat->from);
    memcpy(ret_beat->to, m->to_store.data, sizeof ret_beat->to);
    return TC_OK;
}

tc_err store__beat_ack_decode(const Tercet__Pb__NodeBeatAck *m, struct support_ack *ret_ack) {
    if (!ends_sound(m->from_store, m->to_store) || store__beat_ack_crc(m) != m->crc)
        return TC_ECORRUPT;
    *ret_ack = (struct support_ack){
        .boot = m->boot, .epoch = m->epoch, .to_boot = m->to_boot, .echo_ns = m->echo_ns};
    memcpy(ret_ack->from, m->from_store.data, sizeof ret_ack->from);
    memcpy(ret_ack->to, m->to_store.data, sizeof ret_ack->to);
    return TC_OK;
}

/* The wakes reach their groups before the acknowledgement leaves: from then on the beats to come
 * vouch for every group that they do not list. */
void store_receive_beat(struct store *s, const Tercet__Pb__NodeBeat *m) {
    struct support_beat b;
    struct support_ack ack;
    tc_err err = store__beat_decode(m, &b);
    if (err == TC_OK)
        err = support_recv_beat(s->support, store__now_ns(s), &b, &ack);
    if (err != TC_OK) {
        s->counters.messages_dropped++;
        return;
    }
    s->counters.beats_in++;
    if (m->addr[0] != 0)
        store__beat_learn(s, tc_slice(b.from, sizeof b.from), m->addr, /* newer= */ true);
    hand_out_wakes(s, support_find(s->support, b.from), m);
    send_ack(s, &ack);
}

void store_receive_beat_ack(struct store *s, const Tercet__Pb__NodeBeatAck *m) {
    struct support_ack a;
    if (store__beat_ack_decode(m, &a) == TC_OK)
        support_recv_ack(s->support, store__now_ns(s), &a);
    else
        s->counters.messages_dropped++;
}

/* ---- time */

void store__beat_listen(struct store *s, uint64_t now_ns) {
    support_tick(s->support, now_ns);
    if (support_take_changed(s->support))
        store__due_all(s);
}

void store__beat_speak(struct store *s, uint64_t now_ns) {
    struct support_beat b;
    /* A leader whose disk hangs must lose its leases, of quiet groups too. */
    while (!store__disk_hangs(s, now_ns) && support_next_beat(s->support, now_ns, &b))
        send_beat(s, &b);
}

uint64_t store__beat_deadline_ns(const struct store *s) {
    return support_deadline_ns(s->support);
}
