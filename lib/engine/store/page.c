#include "engine/store/page.h"

#include "base/assert.h"
#include "core/expr/expr.h"
#include "engine/store/decide.h"
#include "engine/store/store.h"

enum {
    READ_UNIT_BYTES = 4096,
};

tc_err store__page_init(struct store_page *p, const Tercet__Pb__RangeRequest *req) {
    if (req->filter.len && expr_check(proto_slice(req->filter), EXPR_CONDITION) != TC_OK)
        return TC_EINVAL;
    if (req->projection.len && expr_check(proto_slice(req->projection), EXPR_PROJECTION) != TC_OK)
        return TC_EINVAL;
    bool bounded = req->max_bytes > 0 && req->max_bytes < STORE_PAGE_BYTES_MAX;
    *p = (struct store_page){.req = req,
                             .bytes_max = bounded ? req->max_bytes : STORE_PAGE_BYTES_MAX};
    return TC_OK;
}

void store__page_deinit(struct store_page *p) {
    tc_buf_deinit(&p->items);
    tc_buf_deinit(&p->projected);
    tc_buf_deinit(&p->last_key);
}

static void append_item(struct store_page *p, struct tc_slice item) {
    if (p->req->projection.len) {
        tc_buf_clear(&p->projected);
        expr_project(proto_slice(p->req->projection), item, &p->projected);
        item = tc_buf_slice(&p->projected);
    }
    tc_buf_append_varint(&p->items, item.len);
    tc_buf_append_slice(&p->items, item);
}

void store__page_fetched(struct store_page *p, struct tc_slice item) {
    uint64_t units = (item_size_bytes(item) + READ_UNIT_BYTES - 1) / READ_UNIT_BYTES;
    p->fetch_bytes += (units ? units : 1) * READ_UNIT_BYTES;
}

bool store__page_add(struct store_page *p, struct tc_slice key, uint64_t size_bytes,
                     struct tc_slice item) {
    TC_ASSERT(!p->more);
    p->scanned++;
    p->bytes += size_bytes;
    if (expr_match(proto_slice(p->req->filter), item)) {
        p->count++;
        if (!p->req->count_only)
            append_item(p, item);
    }
    tc_buf_clear(&p->last_key);
    tc_buf_append_slice(&p->last_key, key);
    /* The item that reaches the page's size still belongs to it. */
    bool full = p->bytes >= p->bytes_max || p->items.len >= STORE_PAGE_BYTES_MAX;
    p->more = full || (p->req->limit > 0 && p->scanned == p->req->limit);
    return !p->more;
}
