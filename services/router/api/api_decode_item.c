#include "base/assert.h"
#include "router/api/api_decode_private.h"

#include <stdio.h>

/* Put the fault that was noted into the words of the member that holds the value. */
static void frame_fault(struct json_diag *fault, const char *before, const char *after,
                        struct tc_slice key) {
    struct json_diag plain = *fault;
    (void)snprintf(fault->text, sizeof fault->text, "%s%.900s%s%.*s", before, plain.text, after,
                   TC_SLICE_ARGS(key));
}

/* Numbers and repeated elements of sets are told without a frame. */
static bool is_told_plainly(const char *text) {
    static const char *const plain[] = {"contains duplicates", "number set", "numeric value",
                                        "significant digits", "number with magnitude"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strstr(text, plain[i]))
            return true;
    return false;
}

/* After a failed attribute value: a SerializationException ends the request, a fault of the value
 * is noted and reading goes on, for the rest may still fail to be JSON of the right types. */
static tc_err item_failed(struct api_decoder *d, tc_err err) {
    if (d->diag.kind == JSON_DIAG_NONE || err == TC_ENOMEM)
        return api__map_fail(d, err, JSON_DIAG_MODEL "AttributeValue");
    bool final = d->diag.kind == JSON_DIAG_SERIALIZATION || d->reader.err != TC_OK;
    if (final) {
        d->error = d->diag.kind == JSON_DIAG_SERIALIZATION ? API_SERIALIZATION : API_VALIDATION;
        tc_buf_clear(&d->text);
        tc_buf_append_str(&d->text, d->diag.text);
        return err;
    }
    struct json_diag *fault = d->in_placeholders ? &d->placeholder_fault : &d->item_fault;
    if (fault->kind != JSON_DIAG_NONE)
        return TC_OK;
    *fault = d->diag;
    const char *member = d->path_depth ? d->path[d->path_depth - 1].name : NULL;
    if (member && strcmp(member, "ExclusiveStartKey") == 0 && !is_told_plainly(fault->text))
        frame_fault(fault, "The provided starting key is invalid: ", "", TC_SLICE_EMPTY);
    return TC_OK;
}

static tc_err keep_scratch(struct api_decoder *d, struct tc_slice *ret_bytes) {
    struct tc_slice kept = tc_arena_dup(d->arena, tc_buf_slice(&d->scratch));
    if (kept.data == NULL)
        return api__json_fail(d, TC_ENOMEM, "");
    *ret_bytes = kept;
    return TC_OK;
}

tc_err api__read_item(struct api_decoder *d, struct tc_slice *ret_item) {
    tc_buf_clear(&d->scratch);
    d->diag.kind = JSON_DIAG_NONE;
    tc_err err = json_item_read(&d->item, &d->reader, &d->scratch, &d->diag);
    if (err != TC_OK) {
        *ret_item = TC_SLICE_LIT("\0");
        return item_failed(d, err);
    }
    return keep_scratch(d, ret_item);
}

tc_err api__read_value(struct api_decoder *d, struct tc_slice *ret_value) {
    tc_buf_clear(&d->scratch);
    d->diag.kind = JSON_DIAG_NONE;
    tc_err err = json_item_read_value(&d->item, &d->reader, &d->scratch, &d->diag);
    if (err != TC_OK) {
        *ret_value = TC_SLICE_EMPTY;
        return item_failed(d, err);
    }
    return keep_scratch(d, ret_value);
}

/* Elements beyond the maximum are counted and checked as JSON, but not kept. */
static tc_err read_list(struct api_decoder *d, const struct api_field *f, struct api_slices *at,
                        tc_err (*read)(struct api_decoder *d, struct tc_slice *ret_element)) {
    struct api_slices list = {.set = true};
    size_t cap = 0, count = 0;
    bool more;
    tc_err err = json_array_begin(&d->reader);
    while (err == TC_OK && (err = json_array_next(&d->reader, &more)) == TC_OK && more) {
        if (f->max > 0 && count++ >= (size_t)f->max) {
            err = json_skip(&d->reader);
            continue;
        }
        list.items = api__grow(d, list.items, list.count, &cap, sizeof list.items[0]);
        if (list.items == NULL)
            return TC_ENOMEM;
        TC_TRY(read(d, &list.items[list.count++]));
    }
    if (err != TC_OK)
        return api__json_fail(d, err, "List");
    api__check_count(d, f, f->max > 0 ? count : list.count);
    *at = list;
    return TC_OK;
}

tc_err api__read_item_list(struct api_decoder *d, const struct api_field *f,
                           struct api_slices *at) {
    return read_list(d, f, at, api__read_item);
}

tc_err api__read_value_list(struct api_decoder *d, const struct api_field *f,
                            struct api_slices *at) {
    return read_list(d, f, at, api__read_value);
}

/* A value at fault is told after the tokens were looked at; until then it stands for nothing. */
static tc_err read_placeholder(struct api_decoder *d, struct expr_binding *binding) {
    static const uint8_t nothing[] = {ITEM_NULL};
    bool faulty = d->placeholder_fault.kind != JSON_DIAG_NONE;
    d->in_placeholders = true;
    TC_TRY(api__read_value(d, &binding->target));
    d->in_placeholders = false;
    if (binding->target.len == 0)
        binding->target = tc_slice(nothing, sizeof nothing);
    if (!faulty && d->placeholder_fault.kind != JSON_DIAG_NONE)
        frame_fault(&d->placeholder_fault,
                    "ExpressionAttributeValues contains invalid value: ", " for key ",
                    binding->token);
    return TC_OK;
}

/* Placeholders: a map from tokens to names (strings) or values. */
static tc_err read_bindings(struct api_decoder *d, struct api_bindings *at, bool values) {
    struct api_bindings b = {.set = true};
    size_t cap = 0;
    bool more;
    struct tc_slice token;
    tc_err err = json_object_begin(&d->reader);
    while (err == TC_OK && (err = json_object_next(&d->reader, &more, &token)) == TC_OK && more) {
        b.list.at = api__grow(d, b.list.at, b.list.count, &cap, sizeof b.list.at[0]);
        if (b.list.at == NULL)
            return TC_ENOMEM;
        struct expr_binding *binding = &b.list.at[b.list.count++];
        *binding = (struct expr_binding){.token = token};
        TC_TRY(values ? read_placeholder(d, binding) : api__read_text(d, &binding->target));
    }
    if (err != TC_OK)
        return api__map_fail(d, err,
                             values ? JSON_DIAG_MODEL "AttributeValue" : "java.lang.String");
    *at = b;
    return TC_OK;
}

tc_err api__read_names(struct api_decoder *d, struct api_bindings *at) {
    return read_bindings(d, at, /* values= */ false);
}

tc_err api__read_values(struct api_decoder *d, struct api_bindings *at) {
    return read_bindings(d, at, /* values= */ true);
}
