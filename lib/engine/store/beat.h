/* store__beat: this store's beats, which stand for all its quiet groups (core/support,
 * REPLICATION.md B9, docs/protocols/beats.md).
 *
 * One support machine per store. Here are its messages on the wire, the addresses of the stores it
 * beats for, and its place in the tick. A beat carries a CRC32C of its fixed fields as
 * little-endian numbers in field order, then both uuids, the sender's address, the listed groups
 * and their numbers; an acknowledgement one of its numbers and uuids. Whatever a peer made up is
 * answered, never asserted.
 */
#ifndef TC_ENGINE_STORE_BEAT_H
#define TC_ENGINE_STORE_BEAT_H

#include "core/support/support.h"
#include "engine/store/store_private.h"

/* After the store's identity is known, before the first replica.
 *   Errors   TC_EINVAL  the lease is not possible */
TC_MUST_USE tc_err store__beat_open(struct store *s);
/* After the last replica. */
void store__beat_close(struct store *s);
/* Where a store is reached; newer: what was known before is out of date. */
void store__beat_learn(struct store *s, struct tc_slice uuid, const char *addr, bool newer);
/* Note who fell silent, or spoke again: before the groups are looked at. */
void store__beat_listen(struct store *s, uint64_t now_ns);
/* Send what is due, after the groups were looked at: a group that woke just now is listed, and a
 * QUIET of the same instant comes before the beat, which would refute it. */
void store__beat_speak(struct store *s, uint64_t now_ns);
/* When one of them has something to do. */
uint64_t store__beat_deadline_ns(const struct store *s);

/* Checked and converted; a beat without its wakes.
 *   Errors   TC_ECORRUPT  a checksum or bound does not hold */
TC_MUST_USE tc_err store__beat_decode(const Tercet__Pb__NodeBeat *m, struct support_beat *ret_beat);
TC_MUST_USE tc_err store__beat_ack_decode(const Tercet__Pb__NodeBeatAck *m,
                                          struct support_ack *ret_ack);
/* The checksums that crc must hold. */
uint32_t store__beat_crc(const Tercet__Pb__NodeBeat *b);
uint32_t store__beat_ack_crc(const Tercet__Pb__NodeBeatAck *a);

#endif
