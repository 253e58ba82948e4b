/* store__identity: who this store is, from one life to the next.
 *
 * The file "store" holds the store's uuid, made once when its directory is formatted, and how often
 * it was started: u8 version = 1 | 16-byte uuid | u64 boot.
 */
#ifndef TC_ENGINE_STORE_IDENTITY_H
#define TC_ENGINE_STORE_IDENTITY_H

#include "engine/store/store_private.h"

/* Fill in uuid, boot and opened_ns; count this start, on disk, before anything is said in its name.
 * A directory that holds nothing yet is formatted.
 *   Errors   TC_ECORRUPT  the file is damaged, or gone beside a log
 *            TC_EIO, TC_EFULL */
TC_MUST_USE tc_err store__identity_load(struct store *s, const char *wal_dir);

#endif
