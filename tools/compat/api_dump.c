/* Prints the router's operation and parameter tables, one row a line, for compat.py: tab-separated
 * "op NAME built|unbuilt" and "row PATH KIND FLAGS MIN MAX ENUM-NAMES SHAPE". */
#include "router/api/api_unbuilt.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_name(enum api_kind kind) {
    switch ((int)kind) {
#define KIND(name)                                                                                 \
    case API_KIND_##name:                                                                          \
        return #name
        KIND(STRING);
        KIND(TABLE);
        KIND(BOOL);
        KIND(INTEGER);
        KIND(LONG);
        KIND(NUMBER);
        KIND(ENUM);
        KIND(STRUCT);
        KIND(STRUCT_LIST);
        KIND(STRUCT_MAP);
        KIND(STRUCT_LIST_MAP);
        KIND(STRING_LIST);
        KIND(ITEM);
        KIND(ITEM_LIST);
        KIND(NAME_MAP);
        KIND(VALUE_MAP);
        KIND(VALUE);
        KIND(VALUE_LIST);
        KIND(REFUSED);
    default:
        return "other";
    }
}

enum {
    DEPTH_MAX = 16,
    PATH_BYTES_MAX = 1024,
};

static void print_shape(const struct api_shape *shape, const char *path, unsigned depth) {
    for (size_t i = 0; depth < DEPTH_MAX && i < shape->count; i++) {
        const struct api_field *f = &shape->fields[i];
        char at[PATH_BYTES_MAX];
        (void)snprintf(at, sizeof at, "%s%s%s", path, *path && *f->name ? "." : "",
                       *f->name ? f->name : "[]");
        printf("row\t%s\t%s\t%u\t%" PRId64 "\t%" PRId64 "\t%s\t%s\n", at, kind_name(f->kind),
               f->flags, f->min, f->max, f->enum_names ? f->enum_names : "",
               f->shape && f->shape->name ? f->shape->name : "");
        if (f->shape != NULL)
            print_shape(f->shape, *f->name ? at : path, depth + 1);
    }
}

int main(void) {
    size_t count;
    const struct api_op_info *ops = api_op_all(&count);
    for (size_t i = 0; i < count; i++) {
        bool built = ops[i].op != API_OP_UNBUILT && ops[i].op != API_OP_TRANSACT;
        const struct api_unbuilt *u = built ? NULL : api_unbuilt_find(ops[i].name);
        printf("op\t%s\t%s\t%s\n", ops[i].name, built ? "built" : "unbuilt",
               u ? api_unbuilt_summary(u) : "");
        if (built || u != NULL)
            print_shape(built ? ops[i].shape : u->shape, "", 0);
    }
    return 0;
}
