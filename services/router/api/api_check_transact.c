/* Rules of transactions: one action each, placeholders beside expressions, 4 MB in all. */
#include "router/api/api_check_private.h"

static bool check_action(struct api_decoder *d, const struct api_transact_action *a,
                         size_t *total) {
    const struct api_write_item *writes[] = {a->put, a->update, a->del, a->check};
    size_t count = a->get != NULL;
    if (a->get != NULL && !(api_mix_get_item(d, a->get) && api_check_get_item(d, a->get)))
        return false;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        const struct api_write_item *w = writes[i];
        count += w != NULL;
        if (w == NULL)
            continue;
        if (!(w == a->update ? api_mix_update_item : api_mix_write_item)(d, w) ||
            !(w == a->update ? api_check_update_item : api_check_write_item)(d, w))
            return false;
        *total += w->item.data != NULL ? item_size_bytes(w->item) : 0;
    }
    if (count != 1)
        return api_invalid(d, "TransactItems can only contain one of Check, Put, Update or Delete");
    return true;
}

bool api_check_transact(struct api_decoder *d, const void *input) {
    const struct api_transact *in = input;
    const struct api_transact_action *actions = in->actions.items;
    size_t total = 0;
    for (size_t i = 0; i < in->actions.count; i++)
        if (!check_action(d, &actions[i], &total))
            return false;
    if (total > API_TRANSACT_BYTES_MAX)
        return api_invalid(d, "The aggregate size of the items in the transaction is larger than "
                              "4 MB");
    return true;
}
