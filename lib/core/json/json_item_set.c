/* SS, NS and BS. */
#include "base/assert.h"
#include "core/json/json_diag_private.h"
#include "core/json/json_item_private.h"

#define INVALID "One or more parameter values were invalid: "

static enum item_type element_type(enum item_type set) {
    if (set == ITEM_SS)
        return ITEM_S;
    return set == ITEM_NS ? ITEM_N : ITEM_B;
}

static const char *empty_text(enum item_type set) {
    if (set == ITEM_SS)
        return INVALID "An string set  may not be empty";
    if (set == ITEM_NS)
        return INVALID "An number set  may not be empty";
    return INVALID "Binary sets should not be empty";
}

static const char *null_text(enum item_type set) {
    if (set == ITEM_SS)
        return INVALID "An string set may not have a null string as a member";
    if (set == ITEM_NS)
        return INVALID "An number set may not have an empty string as a member";
    return INVALID "Binary sets may not contain null or empty values";
}

/* "[a, a]" in the client's order. */
static void add_elements(struct json_item *j, const struct json_open *open, bool binary) {
    const struct json_span *s = (const struct json_span *)(void *)(j->spans.data + open->spans_at);
    struct tc_buf text = {0};
    for (uint64_t i = 0; i < open->count && text.len < JSON_DIAG_TEXT_BYTES_MAX; i++) {
        const struct tc_slice content = tc_slice(j->out->data + s[i].key_at, s[i].key_len);
        tc_buf_append_str(&text, i == 0 ? "[" : ", ");
        if (binary) {
            json_put_base64(&j->copy, content);
            tc_buf_append(&text, j->copy.data + 1, j->copy.len - 2);
            tc_buf_clear(&j->copy);
        } else
            tc_buf_append_slice(&text, content);
    }
    tc_buf_append_str(&text, "]");
    json__diag_add(j->diag, tc_buf_slice(&text));
    tc_buf_deinit(&text);
}

static void refuse_duplicates(struct json_item *j, const struct json_open *open,
                              enum item_type set) {
    if (j->diag->kind != JSON_DIAG_NONE)
        return;
    if (set == ITEM_NS) {
        json__invalid(j, "Input collection contains duplicates", TC_SLICE_EMPTY);
        return;
    }
    json__invalid(j, INVALID "Input collection ", TC_SLICE_EMPTY);
    tc_buf_clear(&j->copy);
    add_elements(j, open, set == ITEM_BS);
    json__diag_add(j->diag, set == ITEM_BS ? TC_SLICE_LIT("of type BS contains duplicates.")
                                           : TC_SLICE_LIT(" contains duplicates."));
}

static tc_err read_elements(struct json_item *j, struct json_reader *r, enum item_type set,
                            struct json_open *open) {
    for (;;) {
        bool more = false;
        tc_err err = json_array_next(r, &more);
        if (err != TC_OK)
            return json__refuse(j, r, "List", err);
        if (!more)
            return TC_OK;
        if (json_peek(r) == JSON_NULL) {
            err = json_null(r); /* an n may begin something else */
            if (err != TC_OK)
                return json__refuse(j, r, "List", err);
            json__invalid(j, null_text(set), TC_SLICE_EMPTY);
            continue;
        }
        struct json_span span;
        TC_TRY(json__scalar(j, r, element_type(set), /* typed= */ false, &span));
        json__entry(j, open, span);
    }
}

tc_err json__set(struct json_item *j, struct json_reader *r, enum item_type type) {
    TC_ASSERT(type >= ITEM_SS && type <= ITEM_BS);
    tc_err err = json_array_begin(r);
    if (err != TC_OK)
        return json__refuse(j, r, "List", err);
    tc_buf_append_u8(j->out, (uint8_t)type);
    struct json_open open = json__open(j, /* is_item= */ false);
    TC_TRY(read_elements(j, r, type, &open));
    if (open.count == 0)
        json__invalid(j, empty_text(type), TC_SLICE_EMPTY);
    err = json__close(j, &open);
    if (err == TC_EEXISTS) {
        refuse_duplicates(j, &open, type);
        j->spans.len = open.spans_at;
        return TC_OK;
    }
    return err;
}
