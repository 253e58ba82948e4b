/* store__wire: PaxosMessage on the wire <-> struct paxos_msg.
 *
 * A message is bound to its group and to both stores (so that a replica that came back on another
 * disk is refused), and carries a CRC32C of all its fields: the fixed ones as little-endian numbers
 * in field order, then per entry its numbers (the body enters by its own CRC), then the encoded
 * configuration, then the sender's packed Member if there is one. Bodies are checked against their
 * CRC too, because the chain hash builds on it.
 *
 * Every function here works on bytes that a peer made up: it answers, it never asserts.
 */
#ifndef TC_ENGINE_STORE_WIRE_H
#define TC_ENGINE_STORE_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/paxos/paxos.h"

#include "proto/storage.pb-c.h"

enum {
    WIRE_UUID_BYTES = 16,
};

struct store_wire_ends {
    uint64_t gid;
    const uint8_t *from_store; /* WIRE_UUID_BYTES each */
    const uint8_t *to_store;
    const Tercet__Pb__Member *sender; /* NULL: the receiver knows who this is */
};

/* A received message: views into the protobuf and bodies of its own. */
struct store_wire_in {
    struct paxos_msg msg; /* entries and config point into this struct */
    struct paxos_entry entries[PAXOS_MSG_ENTRIES_MAX];
    struct quorum_config config;
};

/* A message to be sent: the protobuf structs around a paxos_msg, packed by the caller. */
struct store_wire_out {
    Tercet__Pb__PaxosMessage pb;
    Tercet__Pb__LogEntry entries[PAXOS_MSG_ENTRIES_MAX];
    Tercet__Pb__LogEntry *pointers[PAXOS_MSG_ENTRIES_MAX];
    struct tc_buf config;
};

/* Fill out from msg; bodies are borrowed from msg, whose entries must carry them (or be empty or
 * FAULTY). ends and msg must outlive out. */
void store__wire_out_init(struct store_wire_out *out, const struct store_wire_ends *ends,
                          const struct paxos_msg *msg);
void store__wire_out_deinit(struct store_wire_out *out);

/* The checksum that a message's crc field must hold. */
uint32_t store__wire_crc(const Tercet__Pb__PaxosMessage *pb);

/* Check and convert. in must be released with store__wire_in_deinit after TC_OK only.
 *   Errors   TC_ECORRUPT  a checksum or bound does not hold */
TC_MUST_USE tc_err store__wire_in_init(struct store_wire_in *in,
                                       const Tercet__Pb__PaxosMessage *pb);
void store__wire_in_deinit(struct store_wire_in *in);

#endif
