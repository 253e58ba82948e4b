/* TagResource, UntagResource, ListTagsOfResource. */
#include "exec_settings.h"
#include "exec_table.h"

#include "router/api/api_arn.h"

#include <stdlib.h>

/* ---- pure: the tags of a record ---- */

static size_t find_tag(const Tercet__Pb__TableDescriptor *d, struct tc_slice key, bool *ret_found) {
    size_t at = 0;
    int order = 1;
    while (at < d->n_tags && (order = tc_slice_cmp(tc_slice_str(d->tags[at]->key), key)) < 0)
        at++;
    *ret_found = at < d->n_tags && order == 0;
    return at;
}

static Tercet__Pb__Tag *new_tag(struct tc_slice key) {
    Tercet__Pb__Tag *t = malloc(sizeof *t);
    TC_ASSERT(t != NULL);
    tercet__pb__tag__init(t);
    exec__set_text(&t->key, key);
    return t;
}

static void put_tag(Tercet__Pb__TableDescriptor *d, const struct api_tag *tag) {
    bool found;
    size_t at = find_tag(d, tag->key, &found);
    if (!found) {
        d->tags = realloc(d->tags, (d->n_tags + 1) * sizeof *d->tags);
        TC_ASSERT(d->tags != NULL);
        memmove(d->tags + at + 1, d->tags + at, (d->n_tags - at) * sizeof *d->tags);
        d->tags[at] = new_tag(tag->key);
        d->n_tags++;
    }
    exec__set_text(&d->tags[at]->value, tag->value);
}

enum api_error exec__add_tags(const struct exec_settings *c, const struct api_list *tags,
                              Tercet__Pb__TableDescriptor *d) {
    const struct api_tag *t = tags->items;
    for (size_t i = 0; i < tags->count; i++)
        put_tag(d, &t[i]);
    if (d->n_tags <= API_TAGS_MAX)
        return API_OK;
    return exec__refuse(c->diag, API_VALIDATION,
                        "Number of Tags exceed the current limit for the provided ResourceArn");
}

void exec__drop_tags(const struct api_slices *keys, Tercet__Pb__TableDescriptor *d) {
    for (size_t i = 0; i < keys->count; i++) {
        bool found;
        size_t at = find_tag(d, keys->items[i], &found);
        if (!found)
            continue;
        tercet__pb__tag__free_unpacked(d->tags[at], NULL);
        d->n_tags--;
        memmove(d->tags + at, d->tags + at + 1, (d->n_tags - at) * sizeof *d->tags);
    }
}

/* ---- the operations ---- */

/* The decoder's rules made sure that it is a table's ARN. */
static struct tc_slice table_of(struct tc_slice arn) {
    struct tc_slice name = TC_SLICE_EMPTY;
    TC_ASSERT(api_arn_table(arn, &name));
    return name;
}

/* Tags may be changed in every state but the first and the last. */
static enum api_error refuse_state(struct exec_op *op, const Tercet__Pb__TableDescriptor *d) {
    return d->status == TERCET__PB__TABLE_STATUS__TABLE_UPDATING ? API_OK
                                                                 : exec__refuse_in_use(op, d);
}

static enum api_error add(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    const struct api_tag_resource *in = op->req->input;
    struct exec_settings c = exec__settings(op);
    enum api_error refused = refuse_state(op, d);
    return refused ? refused : exec__add_tags(&c, &in->tags, d);
}

static enum api_error drop(struct exec_op *op, Tercet__Pb__TableDescriptor *d) {
    const struct api_untag_resource *in = op->req->input;
    enum api_error refused = refuse_state(op, d);
    if (refused == API_OK)
        exec__drop_tags(&in->keys, d);
    return refused;
}

void exec__tag_resource(struct exec_op *op) {
    const struct api_tag_resource *in = op->req->input;
    exec__table_change(
        op, &(struct exec_change){.table_name = table_of(in->arn), .arn = in->arn, .apply = add});
}

void exec__untag_resource(struct exec_op *op) {
    const struct api_untag_resource *in = op->req->input;
    exec__table_change(
        op, &(struct exec_change){.table_name = table_of(in->arn), .arn = in->arn, .apply = drop});
}

static void list_read(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                      const Tercet__Pb__Partition *partition) {
    struct exec_op *op = call->user;
    const struct api_list_tags *in = op->req->input;
    (void)partition;
    /* Of all that takes an ARN the service tells only here that it tells nothing. */
    if (err == TC_OK && !((const Tercet__Pb__ItemReply *)reply)->found) {
        exec__fail(op, API_ACCESS_DENIED,
                   "User is not authorized to perform: dynamodb:ListTagsOfResource on resource: "
                   "%.*s",
                   TC_SLICE_ARGS(in->arn));
        return;
    }
    Tercet__Pb__TableDescriptor *d = exec__table_take(op, "ResourceArn", in->arn, err, reply);
    if (d == NULL)
        return;
    api_write_tags_begin(op->req->out);
    for (size_t i = 0; i < d->n_tags; i++)
        api_write_tag(op->req->out, tc_slice_str(d->tags[i]->key), tc_slice_str(d->tags[i]->value));
    api_write_tags_end(op->req->out);
    tercet__pb__table_descriptor__free_unpacked(d, NULL);
    exec__complete(op);
}

void exec__list_tags(struct exec_op *op) {
    const struct api_list_tags *in = op->req->input;
    exec__table_read(op, table_of(in->arn), list_read);
}
