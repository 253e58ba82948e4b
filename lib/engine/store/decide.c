#include "engine/store/decide.h"

#include "base/assert.h"
#include "core/expr/expr.h"
#include "core/item/item.h"
#include "core/key/key.h"

void store__decision_deinit(struct store_decision *d) {
    tc_buf_deinit(&d->new_item);
    tc_buf_deinit(&d->message);
}

static tc_err refuse(struct tc_buf *message, tc_err err, const char *text) {
    tc_buf_clear(message);
    tc_buf_append_str(message, text);
    return err;
}

static tc_err check_program(ProtobufCBinaryData program, enum expr_kind kind) {
    if (program.len == 0)
        return TC_OK;
    return expr_check(proto_slice(program), kind);
}

static tc_err check_item(const Tercet__Pb__ItemRequest *req, struct tc_buf *message) {
    if (req->op != TERCET__PB__ITEM_OP__ITEM_PUT && req->op != TERCET__PB__ITEM_OP__ITEM_UPDATE)
        return TC_OK;
    if (item_check(proto_slice(req->item)) != TC_OK)
        return refuse(message, TC_EINVAL, "the item is not well formed");
    return TC_OK;
}

tc_err store__decide_check(const Tercet__Pb__ItemRequest *req, struct tc_buf *message) {
    if (req->op < TERCET__PB__ITEM_OP__ITEM_GET || req->op > TERCET__PB__ITEM_OP__ITEM_DELETE)
        return refuse(message, TC_EINVAL, "unknown operation");
    if (req->key.len == 0 || req->key.len > KEY_BYTES_MAX)
        return refuse(message, TC_EINVAL, "the key is not well formed");
    if (req->op != TERCET__PB__ITEM_OP__ITEM_GET && req->request_id.len != ENTRY_REQUEST_ID_BYTES)
        return refuse(message, TC_EINVAL, "the request id must have 16 bytes");
    if (check_program(req->condition, EXPR_CONDITION) != TC_OK ||
        check_program(req->update, EXPR_UPDATE) != TC_OK ||
        check_program(req->projection, EXPR_PROJECTION) != TC_OK)
        return refuse(message, TC_EINVAL, "an expression program is not well formed");
    return check_item(req, message);
}

static tc_err decide_put(const Tercet__Pb__ItemRequest *req, struct store_decision *d) {
    d->op = ENTRY_PUT;
    tc_buf_append_slice(&d->new_item, proto_slice(req->item));
    if (item_size_bytes(tc_buf_slice(&d->new_item)) > ITEM_BYTES_MAX)
        return refuse(&d->message, TC_ELIMIT, "Item size has exceeded the maximum allowed size");
    return TC_OK;
}

static tc_err decide_update(const Tercet__Pb__ItemRequest *req, struct tc_slice old,
                            struct tc_arena *scratch, struct store_decision *d) {
    d->op = ENTRY_PUT;
    TC_TRY(expr_update(proto_slice(req->update), old, proto_slice(req->item), scratch, &d->new_item,
                       &d->message));
    if (d->new_item.len == 0) { /* nothing was there to take away from: no item comes to be */
        d->op = ENTRY_DELETE;
        return TC_OK;
    }
    if (item_size_bytes(tc_buf_slice(&d->new_item)) > ITEM_BYTES_MAX)
        return refuse(&d->message, TC_ELIMIT,
                      "Item size to update has exceeded the maximum allowed size");
    return TC_OK;
}

tc_err store__decide(const Tercet__Pb__ItemRequest *req, struct tc_slice old,
                     struct tc_arena *scratch, struct store_decision *d) {
    TC_ASSERT(req->op != TERCET__PB__ITEM_OP__ITEM_GET);
    if (!expr_match(proto_slice(req->condition), old))
        return TC_ECONDITION;
    if (req->op == TERCET__PB__ITEM_OP__ITEM_PUT)
        return decide_put(req, d);
    if (req->op == TERCET__PB__ITEM_OP__ITEM_UPDATE)
        return decide_update(req, old, scratch, d);
    d->op = ENTRY_DELETE;
    return TC_OK;
}
