#include "engine/store/directory.h"

#include "base/assert.h"
#include "engine/store/beat.h"
#include "engine/store/file.h"

#include <stdlib.h>

enum {
    DIRECTORY_VERSION = 1,
    COPIES_MAX_DEFAULT = 2,
    COPIES_MAX_LIMIT = 64,
};

#define DIRECTORY_FILE "directory"

/* ---- bytes */

static bool node_sound(const Tercet__Pb__DirectoryNode *n) {
    bool uuid = n->store_uuid.len == 0 || n->store_uuid.len == STORE_UUID_BYTES;
    return uuid && strlen(n->node) < STORE_NAME_BYTES_MAX &&
           strlen(n->zone) <= QUORUM_ZONE_BYTES_MAX && strlen(n->addr) < STORE_ADDR_BYTES_MAX;
}

static bool sound(const Tercet__Pb__Directory *d) {
    if (d->n_nodes > HEAL_STORES_MAX)
        return false;
    for (size_t i = 0; i < d->n_nodes; i++)
        if (!node_sound(d->nodes[i]))
            return false;
    return true;
}

tc_err store__directory_decode(struct tc_slice bytes, Tercet__Pb__Directory **ret) {
    if (bytes.len < 1 || bytes.data[0] != DIRECTORY_VERSION)
        return TC_ECORRUPT;
    Tercet__Pb__Directory *d = tercet__pb__directory__unpack(NULL, bytes.len - 1, bytes.data + 1);
    if (d == NULL)
        return TC_ECORRUPT;
    if (!sound(d)) {
        tercet__pb__directory__free_unpacked(d, NULL);
        return TC_ECORRUPT;
    }
    *ret = d;
    return TC_OK;
}

static tc_err save(struct store *s, const Tercet__Pb__Directory *d) {
    struct tc_buf b = {0};
    tc_buf_append_u8(&b, DIRECTORY_VERSION);
    proto_append(&b, &d->base);
    tc_err err = b.len > STORE_FILE_BYTES_MAX
                     ? TC_EINVAL
                     : store__file_save(s->env.fs, s->dir, DIRECTORY_FILE, tc_buf_slice(&b));
    tc_buf_deinit(&b);
    return err;
}

/* ---- in memory */

static enum heal_store_state state_of(const Tercet__Pb__DirectoryNode *n) {
    if (n->store_uuid.len != STORE_UUID_BYTES)
        return HEAL_DOWN;
    switch (n->state) {
    case TERCET__PB__DIRECTORY_STATE__DIRECTORY_UP:
        return HEAL_UP;
    case TERCET__PB__DIRECTORY_STATE__DIRECTORY_DRAINING:
        return HEAL_DRAINING;
    case TERCET__PB__DIRECTORY_STATE__DIRECTORY_FULL:
        return HEAL_FULL;
    case TERCET__PB__DIRECTORY_STATE__DIRECTORY_DOWN:
    case _TERCET__PB__DIRECTORY_STATE_IS_INT_SIZE:
        break;
    }
    return HEAL_DOWN;
}

static size_t find(const struct store_directory *d, struct tc_slice uuid) {
    size_t at = 0;
    while (d->pb && at < d->pb->n_nodes &&
           !tc_slice_eq(proto_slice(d->pb->nodes[at]->store_uuid), uuid))
        at++;
    return d->pb && at < d->pb->n_nodes ? at : SIZE_MAX;
}

static void clear(struct store_directory *d) {
    if (d->pb)
        tercet__pb__directory__free_unpacked(d->pb, NULL);
    free(d->stores);
    free(d->avoid_until_ns);
    *d = (struct store_directory){0};
}

static void adopt(struct store *s, Tercet__Pb__Directory *pb_take) {
    size_t count = pb_take->n_nodes;
    struct store_directory next = {.pb = pb_take,
                                   .stores = calloc(count + 1, sizeof *next.stores),
                                   .avoid_until_ns = calloc(count + 1, sizeof(uint64_t))};
    TC_ASSERT(next.stores && next.avoid_until_ns);
    for (size_t i = 0; i < count; i++) {
        const Tercet__Pb__DirectoryNode *n = pb_take->nodes[i];
        struct heal_store *to = &next.stores[i];
        *to = (struct heal_store){
            .zone = tc_slice_str(n->zone), .state = state_of(n), .load = n->replicas};
        if (n->store_uuid.len == sizeof to->uuid)
            memcpy(to->uuid, n->store_uuid.data, sizeof to->uuid);
        size_t old = find(s->directory, proto_slice(n->store_uuid));
        next.avoid_until_ns[i] = old != SIZE_MAX ? s->directory->avoid_until_ns[old] : 0;
    }
    for (size_t i = 0; i < count; i++)
        if (pb_take->nodes[i]->store_uuid.len == STORE_UUID_BYTES)
            store__beat_learn(s, proto_slice(pb_take->nodes[i]->store_uuid),
                              pb_take->nodes[i]->addr, /* newer= */ true);
    clear(s->directory);
    *s->directory = next;
}

tc_err store__directory_load(struct store *s) {
    struct tc_buf b = {0};
    Tercet__Pb__Directory *d = NULL;
    tc_err err = store__file_load(s->env.fs, s->dir, DIRECTORY_FILE, &b);
    if (err == TC_OK)
        err = store__directory_decode(tc_buf_slice(&b), &d);
    tc_buf_deinit(&b);
    if (err == TC_OK)
        adopt(s, d);
    else if (err == TC_ECORRUPT && s->env.notice)
        s->env.notice(s->env.user, "what=\"the file directory is damaged: waiting for a new one\"");
    return err == TC_ENOTFOUND || err == TC_ECORRUPT ? TC_OK : err;
}

void store__directory_free(struct store *s) {
    if (s->directory == NULL)
        return;
    clear(s->directory);
    free(s->directory);
    s->directory = NULL;
}

tc_err store_set_directory(struct store *s, const Tercet__Pb__Directory *d) {
    const Tercet__Pb__Directory *known = s->directory->pb;
    if (!sound(d))
        return TC_EINVAL;
    if (known && d->version < known->version)
        return TC_ESTALE;
    if (known && d->version == known->version)
        return TC_OK;
    TC_TRY(save(s, d));
    adopt(s, (Tercet__Pb__Directory *)proto_dup(&d->base));
    return TC_OK;
}

/* ---- questions */

const struct heal_store *store__directory_look(struct store *s, uint64_t now_ns,
                                               size_t *ret_count) {
    struct store_directory *d = s->directory;
    *ret_count = d->pb ? d->pb->n_nodes : 0;
    for (size_t i = 0; i < *ret_count; i++)
        d->stores[i].avoid = now_ns < d->avoid_until_ns[i];
    return d->stores;
}

const Tercet__Pb__DirectoryNode *store__directory_find(const struct store *s,
                                                       struct tc_slice store_uuid) {
    size_t at = find(s->directory, store_uuid);
    return at == SIZE_MAX ? NULL : s->directory->pb->nodes[at];
}

void store__directory_avoid(struct store *s, struct tc_slice store_uuid, uint64_t until_ns) {
    size_t at = find(s->directory, store_uuid);
    if (at != SIZE_MAX)
        s->directory->avoid_until_ns[at] = until_ns;
}

void store__directory_placed(struct store *s, struct tc_slice store_uuid) {
    size_t at = find(s->directory, store_uuid);
    if (at != SIZE_MAX)
        s->directory->stores[at].load++;
}

uint32_t store__directory_copies_max(const struct store *s) {
    uint32_t wanted = s->directory->pb ? s->directory->pb->heals_per_node : 0;
    if (wanted == 0)
        return COPIES_MAX_DEFAULT;
    return wanted < COPIES_MAX_LIMIT ? wanted : COPIES_MAX_LIMIT;
}
