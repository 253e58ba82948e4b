#include "router/api/api_decode.h"

#include "base/assert.h"
#include "router/api/api_decode_private.h"

void api_decoder_deinit(struct api_decoder *d) {
    json_item_deinit(&d->item);
    tc_buf_deinit(&d->scratch);
    tc_buf_deinit(&d->constraints);
    tc_buf_deinit(&d->text);
}

tc_err api__read_text(struct api_decoder *d, struct tc_slice *ret_text) {
    struct tc_slice s;
    tc_err err = json_string(&d->reader, &s);
    if (err != TC_OK)
        return api__json_fail(d, err, "String");
    *ret_text = s.data != NULL ? s : TC_SLICE_LIT("");
    return TC_OK;
}

struct tc_slice api__table_name(struct tc_slice s) {
    static const char mark[] = ":table/";
    if (!tc_slice_has_prefix(s, TC_SLICE_LIT("arn:")))
        return s;
    const uint8_t *at = memmem(s.data, s.len, mark, sizeof mark - 1);
    return at == NULL ? s : tc_slice_from(s, (size_t)(at - s.data) + sizeof mark - 1);
}

static tc_err read_string(struct api_decoder *d, const struct api_field *f, struct tc_slice *at) {
    TC_TRY(api__read_text(d, at));
    if (f->kind == API_KIND_TABLE)
        *at = api__table_name(*at);
    api__check_string(d, f, *at);
    return TC_OK;
}

static tc_err read_bool(struct api_decoder *d, unsigned *at) {
    bool value;
    tc_err err = json_bool(&d->reader, &value);
    if (err != TC_OK)
        return api__json_fail(d, err, "Boolean");
    *at = value ? API_TRUE : API_FALSE;
    return TC_OK;
}

static tc_err read_integer(struct api_decoder *d, const struct api_field *f,
                           struct api_integer *at) {
    bool narrow = f->kind == API_KIND_INTEGER;
    tc_err err = json_integer(&d->reader, narrow ? INT32_MIN : INT64_MIN,
                              narrow ? INT32_MAX : INT64_MAX, &at->value);
    if (err == TC_ELIMIT && d->reader.err == TC_OK) {
        api__fail(d, API_SERIALIZATION,
                  narrow ? TC_SLICE_LIT("NUMBER_VALUE cannot be converted to Integer")
                         : TC_SLICE_LIT("NUMBER_VALUE cannot be converted to Long"));
        return TC_EINVAL;
    }
    if (err != TC_OK)
        return api__json_fail(d, err, narrow ? "Integer" : "Long");
    at->set = true;
    api__check_integer(d, f, at->value);
    return TC_OK;
}

static tc_err read_number(struct api_decoder *d, struct tc_slice *at) {
    tc_err err = json_number(&d->reader, at);
    return err == TC_OK ? TC_OK : api__json_fail(d, err, "Double");
}

static tc_err read_enum(struct api_decoder *d, const struct api_field *f, unsigned *at) {
    struct tc_slice text = TC_SLICE_EMPTY;
    TC_TRY(api__read_text(d, &text));
    *at = api__check_enum(d, f, text);
    return TC_OK;
}

static tc_err read_struct(struct api_decoder *d, const struct api_field *f, void **at) {
    void *s = tc_arena_calloc(d->arena, 1, f->shape->struct_bytes);
    if (s == NULL)
        return api__json_fail(d, TC_ENOMEM, "");
    TC_TRY(api__read_struct(d, f->shape, s));
    *at = s;
    return TC_OK;
}

/* A parameter that would change behaviour is never ignored; an empty one changes nothing. */
static tc_err read_refused(struct api_decoder *d, const struct api_field *f) {
    struct tc_slice raw;
    tc_err err = json_raw(&d->reader, &raw);
    if (err != TC_OK)
        return api__json_fail(d, err, "");
    /* "[]" and "{}" */
    if (raw.len > 2 && d->refused == NULL)
        d->refused = f->name;
    return TC_OK;
}

tc_err api__read_field(struct api_decoder *d, const struct api_field *f, void *base) {
    void *at = (uint8_t *)base + f->offset;
    switch (f->kind) {
    case API_KIND_STRING:
    case API_KIND_TABLE:
        return read_string(d, f, at);
    case API_KIND_BOOL:
        return read_bool(d, at);
    case API_KIND_INTEGER:
    case API_KIND_LONG:
        return read_integer(d, f, at);
    case API_KIND_NUMBER:
        return read_number(d, at);
    case API_KIND_ENUM:
        return read_enum(d, f, at);
    case API_KIND_STRUCT:
        return read_struct(d, f, at);
    case API_KIND_STRUCT_LIST:
        return api__read_struct_list(d, f, at);
    case API_KIND_STRUCT_MAP:
    case API_KIND_STRUCT_LIST_MAP:
        return api__read_map(d, f, at);
    case API_KIND_STRING_LIST:
        return api__read_string_list(d, f, at);
    case API_KIND_VALUE:
        return api__read_value(d, at);
    case API_KIND_ITEM:
        return api__read_item(d, at);
    case API_KIND_ITEM_LIST:
        return api__read_item_list(d, f, at);
    case API_KIND_VALUE_LIST:
        return api__read_value_list(d, f, at);
    case API_KIND_NAME_MAP:
        return api__read_names(d, at);
    case API_KIND_VALUE_MAP:
        return api__read_values(d, at);
    case API_KIND_REFUSED:
        return read_refused(d, f);
    }
    TC_ASSERT(!"kind");
    return TC_EINVAL;
}

static const struct api_field *find(const struct api_shape *shape, struct tc_slice name) {
    for (size_t i = 0; i < shape->count; i++) {
        const char *at = shape->fields[i].name;
        if (at[0] == (char)name.data[0] && tc_slice_eq(tc_slice_str(at), name))
            return &shape->fields[i];
    }
    return NULL;
}

static void check_required(struct api_decoder *d, const struct api_shape *shape, uint64_t seen) {
    for (size_t i = 0; i < shape->count; i++) {
        if (!(shape->fields[i].flags & API_REQUIRED) || (seen & (UINT64_C(1) << i)))
            continue;
        if (shape->fields[i].flags & API_MISSING_PLAINLY) {
            d->missing = shape->fields[i].name;
            continue;
        }
        api__push_name(d, shape->fields[i].name);
        api__violate_missing(d);
        api__pop(d);
    }
}

tc_err api__read_struct(struct api_decoder *d, const struct api_shape *shape, void *at) {
    uint64_t seen = 0;
    bool more;
    struct tc_slice name;
    TC_ASSERT(shape->count <= 64);
    tc_err err = json_object_begin(&d->reader);
    while (err == TC_OK && (err = json_object_next(&d->reader, &more, &name)) == TC_OK && more) {
        const struct api_field *f = name.len ? find(shape, name) : NULL;
        if (json_peek(&d->reader) == JSON_NULL) {
            err = json_null(&d->reader); /* the same as absent */
        } else if (f == NULL) {
            err = json_skip(&d->reader); /* newer SDKs may know more members */
        } else {
            seen |= UINT64_C(1) << (f - shape->fields);
            api__push_name(d, f->name);
            TC_TRY(api__read_field(d, f, at));
            api__pop(d);
        }
    }
    if (err != TC_OK)
        return api__struct_fail(d, err, shape);
    check_required(d, shape, seen);
    return TC_OK;
}

/* What the passes over the body have noted, in the API's order of precedence. */
static bool conclude(struct api_decoder *d, const struct api_op_info *op, const void *input) {
    if (d->constraint_count > 0) {
        api__fail(d, API_VALIDATION, TC_SLICE_EMPTY);
        tc_buf_printf(&d->text, "%u validation error%s detected: ", d->constraint_count,
                      d->constraint_count == 1 ? "" : "s");
        tc_buf_append_slice(&d->text, tc_buf_slice(&d->constraints));
        return false;
    }
    if (d->missing != NULL)
        return api_invalid(d, "The parameter '%s' is required but was not present in the request",
                           d->missing);
    if (op->mix != NULL && !op->mix(d, input))
        return false;
    if (d->item_fault.kind != JSON_DIAG_NONE)
        return api_invalid(d, "%s", d->item_fault.text);
    if (d->refused != NULL)
        return api_invalid(d,
                           "One or more parameter values were invalid: %s is not supported by "
                           "this version of Tercet",
                           d->refused);
    return true;
}

bool api__check_placeholder_fault(struct api_decoder *d) {
    return d->placeholder_fault.kind == JSON_DIAG_NONE ||
           api_invalid(d, "%s", d->placeholder_fault.text);
}

static void reset(struct api_decoder *d, struct tc_slice body, struct tc_arena *arena) {
    tc_buf_clear(&d->scratch);
    tc_buf_clear(&d->constraints);
    tc_buf_clear(&d->text);
    d->constraint_count = 0;
    d->path_depth = 0;
    d->item_fault.kind = d->placeholder_fault.kind = d->diag.kind = JSON_DIAG_NONE;
    d->in_placeholders = false;
    d->refused = d->missing = NULL;
    d->error = API_OK;
    d->arena = arena;
    d->reader = json_reader(body, arena, API_JSON_DEPTH_MAX);
}

void *api_decode(struct api_decoder *d, const struct api_op_info *op, struct tc_slice body,
                 struct tc_arena *arena) {
    reset(d, body, arena);
    void *input = tc_arena_calloc(arena, 1, op->shape->struct_bytes);
    if (input == NULL) {
        (void)api__json_fail(d, TC_ENOMEM, "");
        return NULL;
    }
    tc_err err = api__read_struct(d, op->shape, input);
    if (err == TC_OK) {
        err = json_end(&d->reader);
        if (err != TC_OK)
            err = api__json_fail(d, err, "");
    }
    if (err == TC_OK && conclude(d, op, input) && (op->check == NULL || op->check(d, input)) &&
        api__check_placeholder_fault(d))
        return input;
    TC_ASSERT(d->error != API_OK);
    return NULL;
}
