#include "base/assert.h"
#include "sim/core/cluster.h"

#include <stdlib.h>

struct sim_msg {
    uint32_t refs;
    struct paxos_msg msg;
    struct quorum_config config;
    struct paxos_entry entries[];
};

struct sim_msg *sim_msg_copy(const struct paxos_msg *m) {
    struct sim_msg *copy = malloc(sizeof *copy + m->entry_count * sizeof copy->entries[0]);
    TC_ASSERT(copy != NULL);
    copy->refs = 1;
    copy->msg = *m;
    copy->msg.entries = copy->entries;
    for (size_t i = 0; i < m->entry_count; i++) {
        copy->entries[i] = m->entries[i];
        if (copy->entries[i].body)
            tc_blob_ref(copy->entries[i].body);
    }
    if (m->config) {
        copy->config = *m->config;
        copy->msg.config = &copy->config;
    }
    return copy;
}

struct sim_msg *sim_msg_ref(struct sim_msg *m) {
    m->refs++;
    return m;
}

void sim_msg_unref(struct sim_msg *m) {
    if (m == NULL || --m->refs > 0)
        return;
    for (size_t i = 0; i < m->msg.entry_count; i++)
        tc_blob_unref(m->entries[i].body);
    free(m);
}

const struct paxos_msg *sim_msg_get(const struct sim_msg *m) {
    return &m->msg;
}
