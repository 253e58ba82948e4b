/* archive pack: compression, length-prefixed fields and the footer that every object ends with. */
#ifndef TC_ENGINE_ARCHIVE_PACK_H
#define TC_ENGINE_ARCHIVE_PACK_H

#include "base/buf.h"
#include "base/err.h"

enum {
    ARCHIVE__PLAIN = 0,
    ARCHIVE__ZSTD = 1,
    ARCHIVE__FOOTER_BYTES = 16,
};

/* Compress into out (emptied); ARCHIVE__PLAIN when that does not help: out is then not used. */
uint32_t archive__pack(struct tc_slice plain, struct tc_buf *out);
/* Views of stored when it is plain, else of scratch (emptied). plain_bytes is bounded by the
 * caller. Errors  TC_ECORRUPT */
TC_MUST_USE tc_err archive__unpack(uint32_t codec, struct tc_slice stored, uint64_t plain_bytes,
                                   struct tc_buf *scratch, struct tc_slice *ret_plain);

void archive__append_lenbytes(struct tc_buf *out, struct tc_slice s);
void archive__set_u32(struct tc_buf *out, size_t at, uint32_t v);
/* u32 CRC32C of the bytes from on, u32 magic, u64 their count. */
void archive__append_footer(struct tc_buf *out, size_t from, uint32_t magic);
TC_MUST_USE tc_err archive__check_footer(struct tc_slice object, uint32_t magic,
                                         struct tc_slice *ret_content);

#endif
