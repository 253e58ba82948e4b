/* store__page: collects one answer of a range request, item by item, within its limits.
 *
 * Limits count what is evaluated, before the filter (DynamoDB developer guide: a page is 1 MB or
 * Limit items); the item that reaches the byte limit is the page's last. Bytes count by the API's
 * item size.
 */
#ifndef TC_ENGINE_STORE_PAGE_H
#define TC_ENGINE_STORE_PAGE_H

#include "base/buf.h"
#include "base/err.h"

#include "proto/storage.pb-c.h"

struct store_page {
    const Tercet__Pb__RangeRequest *req; /* borrowed */
    uint64_t bytes_max;
    struct tc_buf items;
    struct tc_buf projected; /* scratch */
    struct tc_buf last_key;  /* of the last item evaluated */
    uint64_t bytes;
    uint64_t fetch_bytes; /* of fetched items, each rounded up to read units */
    uint32_t count;
    uint32_t scanned;
    bool more;
};

/* Errors: TC_EINVAL: a program in req is not well formed. */
TC_MUST_USE tc_err store__page_init(struct store_page *p, const Tercet__Pb__RangeRequest *req);
void store__page_deinit(struct store_page *p);
/* Evaluate the next item, which counts size_bytes; false: the page is full and the walk must stop.
 * The item passed with the call that returns false may or may not be part of the page: last_key
 * tells. */
bool store__page_add(struct store_page *p, struct tc_slice key, uint64_t size_bytes,
                     struct tc_slice item);
/* The item of the next row was taken from elsewhere: that costs by its own size. */
void store__page_fetched(struct store_page *p, struct tc_slice item);

#endif
