#include "engine/btree/btree_private.h"

#include "base/crc32c.h"
#include "base/mutant.h"

static uint32_t crc_of(const uint8_t *data, size_t len) {
    return tc_crc32c(0, data + 4, len - 4);
}

uint32_t btree__page_crc(const struct btree_page *p) {
    size_t len = BTREE_PAGE_BYTES;
    if (p->type == BTREE_RUN)
        len = BTREE_HEADER_BYTES + (size_t)p->run_bytes;
    return crc_of((const uint8_t *)p, len);
}

/* What tree pages and runs have in common, given the checksum of the bytes read. */
static const char *check_identity(const struct btree_page *p, uint32_t actual, uint32_t expected,
                                  uint32_t page, uint64_t gid) {
    if (p->crc != actual)
        return "checksum of the page does not match its bytes";
    if (p->magic != BTREE_PAGE_MAGIC)
        return "not a tree page";
    if (p->gid != gid)
        return "page of another group";
    if (p->page != page)
        return "page of another place: a misdirected write";
    if (actual != expected)
        return "sound page of another version: a lost write";
    return NULL;
}

const char *btree__check_tree_page(const uint8_t *data, uint32_t page, uint64_t gid, uint32_t level,
                                   uint32_t crc) {
    const struct btree_page *p = (const struct btree_page *)(const void *)data;
    uint32_t actual = crc_of(data, BTREE_PAGE_BYTES);
    if (TC_MUTANT(59) && level == 0)
        actual = p->crc; /* a leaf's checksum is believed, not computed */
    const char *what = check_identity(p, actual, crc, page, gid);
    if (what)
        return what;
    if (p->level != level)
        return "page of another level";
    return btree_page_check(p);
}

const char *btree__check_run(const uint8_t *data, const struct btree_run_ref *ref, uint64_t gid,
                             uint32_t len) {
    const struct btree_page *p = (const struct btree_page *)(const void *)data;
    uint32_t actual = crc_of(data, BTREE_HEADER_BYTES + (size_t)len);
    const char *what = check_identity(p, actual, ref->crc, ref->page, gid);
    if (what)
        return what;
    if (p->type != BTREE_RUN || p->run_bytes != len)
        return "not the run of this value";
    return NULL;
}

tc_err btree__read_pages(struct tc_file *file, uint32_t page, uint8_t *data, size_t len,
                         const char **ret_what) {
    tc_err err = tc_file_read_at(file, (uint64_t)page * BTREE_PAGE_BYTES, data, len);
    if (err != TC_EEND)
        return err;
    *ret_what = "the file ends before the page";
    return TC_ECORRUPT;
}

void btree__damage_set(struct btree_damage *d, uint32_t page, const char *what,
                       const struct btree_page *const *pages, const uint32_t *ats, uint32_t depth) {
    d->page = page;
    d->what = what;
    tc_buf_clear(&d->start);
    tc_buf_clear(&d->end);
    bool start = false, end = false;
    for (uint32_t k = depth; k-- > 0 && !(start && end);) {
        if (!start && ats[k] > 0) {
            tc_buf_append_slice(&d->start, btree_page_key(pages[k], ats[k]));
            start = true;
        }
        if (!end && ats[k] + 1 < pages[k]->count) {
            tc_buf_append_slice(&d->end, btree_page_key(pages[k], ats[k] + 1));
            end = true;
        }
    }
}
