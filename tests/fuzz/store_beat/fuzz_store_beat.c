/* Beats and acknowledgements with a right checksum but any content, given to a support machine that
 * holds one slot: what was supported for a boot never shrinks while that boot is the newest. */
#include "base/assert.h"
#include "engine/store/beat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t own[SUPPORT_UUID_BYTES] = "aaaaaaaaaaaaaaa";
static const uint8_t peer[SUPPORT_UUID_BYTES] = "bbbbbbbbbbbbbbb";

static struct support *machine(void) {
    struct support_params params = {.boot = 3, .lease_ns = 1000, .beat_ns = 150, .suspect_ns = 500};
    struct support *s = NULL;
    memcpy(params.store, own, sizeof own);
    TC_ASSERT(support_new(&params, &s) == TC_OK && support_hold(s, peer) == 1);
    return s;
}

static void take_beat(struct support *s, Tercet__Pb__NodeBeat *m, uint64_t now_ns) {
    struct support_beat b;
    struct support_ack ack;
    uint64_t boot = support_boot(s, 1), until_ns = support_until_ns(s, 1, boot);
    m->crc = store__beat_crc(m);
    if (store__beat_decode(m, &b) != TC_OK || support_recv_beat(s, now_ns, &b, &ack) != TC_OK)
        return;
    TC_ASSERT(support_boot(s, 1) >= boot);
    TC_ASSERT(support_boot(s, 1) > boot || support_until_ns(s, 1, boot) >= until_ns);
    TC_ASSERT(ack.echo_ns == b.sent_ns && ack.to_boot == b.boot);
}

static void take_ack(struct support *s, Tercet__Pb__NodeBeatAck *m, uint64_t now_ns) {
    struct support_ack a;
    m->crc = store__beat_ack_crc(m);
    if (store__beat_ack_decode(m, &a) == TC_OK)
        support_recv_ack(s, now_ns, &a);
    TC_ASSERT(support_echo_ns(s, 1) <= now_ns);
}

/* Messages one after the other, each behind a byte with its length; the highest bit: an
 * acknowledgement. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct support *s = machine();
    uint64_t now_ns = 10000;
    for (size_t at = 0; at < size; now_ns += 100) {
        size_t len = data[at] & 0x7f;
        bool ack = data[at++] & 0x80;
        len = len < size - at ? len : size - at;
        if (ack) {
            Tercet__Pb__NodeBeatAck *a = tercet__pb__node_beat_ack__unpack(NULL, len, data + at);
            if (a)
                take_ack(s, a, now_ns);
            tercet__pb__node_beat_ack__free_unpacked(a, NULL);
        } else {
            Tercet__Pb__NodeBeat *b = tercet__pb__node_beat__unpack(NULL, len, data + at);
            if (b)
                take_beat(s, b, now_ns);
            tercet__pb__node_beat__free_unpacked(b, NULL);
        }
        at += len;
        support_tick(s, now_ns);
    }
    support_free(s);
    return 0;
}
