/* A directory as its file holds it, or a CONF entry's body with its members: what is accepted keeps
 * within the bounds that the store relies on. */
#include "base/assert.h"
#include "engine/store/directory.h"
#include "engine/store/members.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_directory(struct tc_slice bytes) {
    Tercet__Pb__Directory *d = NULL;
    if (store__directory_decode(bytes, &d) != TC_OK)
        return;
    TC_ASSERT(d->n_nodes <= HEAL_STORES_MAX);
    for (size_t i = 0; i < d->n_nodes; i++)
        TC_ASSERT(
            strlen(d->nodes[i]->addr) < STORE_ADDR_BYTES_MAX &&
            (d->nodes[i]->store_uuid.len == 0 || d->nodes[i]->store_uuid.len == STORE_UUID_BYTES));
    tercet__pb__directory__free_unpacked(d, NULL);
}

static void try_members(struct tc_slice body) {
    struct quorum_config c;
    struct tc_slice driver;
    if (paxos_conf_decode(body, &c, &driver) != TC_OK)
        return;
    TC_ASSERT(quorum_valid(&c));
    Tercet__Pb__Partition *p = tercet__pb__partition__unpack(NULL, driver.len, driver.data);
    if (p == NULL)
        return;
    if (store__members_all_sound(p, p->gid))
        for (size_t i = 0; i < p->n_members; i++)
            TC_ASSERT(p->members[i]->rid != 0 && p->members[i]->rid < QUORUM_RID_MAX);
    tercet__pb__partition__free_unpacked(p, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_directory(tc_slice(data, size));
    try_members(tc_slice(data, size));
    return 0;
}
