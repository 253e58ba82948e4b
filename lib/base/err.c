#include "base/err.h"

#include <stddef.h>

struct row {
    tc_err err;
    enum tc_err_class class;
    const char *name;
    const char *text;
};

static const struct row rows[] = {{TC_OK, TC_CLASS_NONE, "TC_OK", "success"},
#define X(name, value, class, text) {name, TC_CLASS_##class, #name, text},
                                  TC_ERRORS(X)
#undef X
};

static const struct row *find(int value) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((int)rows[i].err == value)
            return &rows[i];
    return NULL;
}

const char *tc_err_name(tc_err err) {
    const struct row *row = find(err);
    return row ? row->name + 3 : "E?";
}

const char *tc_err_text(tc_err err) {
    const struct row *row = find(err);
    return row ? row->text : "unknown error";
}

enum tc_err_class tc_err_class(tc_err err) {
    const struct row *row = find(err);
    return row ? row->class : TC_CLASS_UNKNOWN;
}

tc_err tc_err_from_wire(int value) {
    const struct row *row = find(value);
    return row ? row->err : TC_EINTERNAL;
}
