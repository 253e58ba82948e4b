/* What the files of core/support share: a slot and the machine. support.c life and questions,
 * beat.c beats and acknowledgements. */
#ifndef TC_CORE_SUPPORT_PRIVATE_H
#define TC_CORE_SUPPORT_PRIVATE_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/probe.h"
#include "core/support/support.h"

#include <inttypes.h>
#include <string.h>

/* A wake and the send time of the first beat that listed it; 0: none yet. */
struct listed {
    struct support_wake wake;
    uint64_t sent_ns;
};

struct slot {
    uint8_t store[SUPPORT_UUID_BYTES];
    uint32_t holders;
    uint32_t index;
    /* as the supporter */
    uint64_t boot; /* newest of the peer; 0: no beat yet */
    uint64_t beat_ns;
    uint64_t heard_ns;
    uint64_t until_ns;
    uint64_t fresh_ns;
    uint64_t epoch;
    bool silent;
    /* as the supported one */
    uint64_t acker_boot;
    uint64_t acker_epoch;
    uint64_t echo_ns;
    uint64_t acked_ns;
    bool deaf; /* acknowledges nothing */
    uint64_t due_ns;
    uint64_t sent_ns;    /* of the newest beat sent */
    struct tc_buf wakes; /* struct listed[], oldest first */
};

struct support {
    struct tc_arena self;
    struct support_params p;
    struct tc_buf slots;      /* struct slot[] */
    struct tc_buf beat_wakes; /* struct support_wake[] of the beat given out */
    uint64_t floor_ns;        /* echoes below are of before a clock jump */
    bool changed;
};

struct slot *support__slots(const struct support *s, size_t *ret_count);
struct slot *support__slot(const struct support *s, uint32_t slot);
/* Its slot, made if it has none. */
uint32_t support__slot_of(struct support *s, const uint8_t *store);

#endif
