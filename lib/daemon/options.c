#include "daemon/options_private.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
};

void daemon_options_add(struct daemon_options *o, struct daemon_option_table table, void *values) {
    if (table.count == 0)
        return;
    TC_ASSERT(o->group_count < DAEMON_OPTION_TABLES_MAX && values != NULL);
    o->groups[o->group_count].table = table;
    o->groups[o->group_count++].values = values;
}

static bool same_name(const char *field, const char *name, size_t len) {
    if (strlen(field) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (field[i] != name[i] && !(field[i] == '_' && name[i] == '-'))
            return false;
    return true;
}

struct daemon__found daemon__option_find(const struct daemon_options *o, const char *name,
                                         size_t len) {
    for (size_t g = 0; g < o->group_count; g++)
        for (size_t i = 0; i < o->groups[g].table.count; i++) {
            const struct daemon_option *row = &o->groups[g].table.rows[i];
            if (same_name(row->name, name, len))
                return (struct daemon__found){row, o->groups[g].values};
        }
    return (struct daemon__found){0};
}

static tc_err set(struct daemon_options *o, struct daemon__found f, const char *text,
                  const char *where) {
    char why[256] = "";
    tc_err err = daemon__option_set(o, f, text, why, sizeof why);
    if (err != TC_OK) {
        struct tc_buf flag = {0};
        daemon__option_flag(f.row, &flag);
        tc_buf_printf(&o->problem, "%s: %.*s is '%s' but %s", where,
                      TC_SLICE_ARGS(tc_buf_slice(&flag)), text, why);
        tc_buf_deinit(&flag);
    }
    return err;
}

static tc_err apply_defaults(struct daemon_options *o) {
    for (size_t g = 0; g < o->group_count; g++)
        for (size_t i = 0; i < o->groups[g].table.count; i++) {
            struct daemon__found f = {&o->groups[g].table.rows[i], o->groups[g].values};
            /* An empty default stands for "not given", even where an empty value is refused. */
            if (f.row->value[0] == '\0')
                daemon__option_clear(f);
            else
                TC_TRY(set(o, f, f.row->value, "default"));
        }
    return TC_OK;
}

static tc_err apply_env(struct daemon_options *o, char **env) {
    static const char prefix[] = "TERCET_";
    for (; env && *env; env++) {
        const char *eq = strchr(*env, '=');
        if (eq == NULL || strncmp(*env, prefix, sizeof prefix - 1) != 0)
            continue;
        char name[128];
        size_t len = (size_t)(eq - *env) - (sizeof prefix - 1);
        if (len >= sizeof name)
            continue;
        for (size_t i = 0; i < len; i++) {
            char c = (*env)[sizeof prefix - 1 + i];
            name[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        struct daemon__found f = daemon__option_find(o, name, len);
        if (f.row) /* other TERCET_ variables belong to other daemons */
            TC_TRY(set(o, f, eq + 1, "environment"));
    }
    return TC_OK;
}

static char *trim(char *s) {
    s += strspn(s, " \t");
    size_t len = strlen(s);
    while (len > 0 && strchr(" \t\r", s[len - 1]))
        len--;
    s[len] = '\0';
    return s;
}

static tc_err apply_line(struct daemon_options *o, char *line, const char *path, unsigned number) {
    line = trim(line);
    if (line[0] == '#' || line[0] == '\0')
        return TC_OK;
    char *eq = strchr(line, '=');
    if (eq)
        *eq = '\0';
    char *name = trim(line);
    struct daemon__found f = daemon__option_find(o, name, strlen(name));
    if (eq == NULL || f.row == NULL) {
        tc_buf_printf(&o->problem, "%s:%u: '%s' is no option; lines are `key = value`", path,
                      number, name);
        return TC_EINVAL;
    }
    char where[512];
    snprintf(where, sizeof where, "%s:%u", path, number);
    return set(o, f, trim(eq + 1), where);
}

static tc_err read_text(struct daemon_options *o, const char *path, struct tc_buf *ret_text) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        tc_buf_printf(&o->problem, "--config: cannot read the file '%s'", path);
        return TC_EINVAL;
    }
    size_t len = fread(tc_buf_reserve(ret_text, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, f);
    bool whole = !ferror(f) && len < FILE_BYTES_MAX;
    fclose(f);
    if (!whole) {
        tc_buf_printf(&o->problem, "--config: '%s' is longer than 1 MiB or unreadable", path);
        return TC_EINVAL;
    }
    ret_text->len += len;
    tc_buf_append_u8(ret_text, 0);
    return TC_OK;
}

static tc_err apply_file(struct daemon_options *o, const char *path) {
    struct tc_buf text = {0};
    tc_err err = read_text(o, path, &text);
    unsigned number = 1;
    for (char *line = (char *)text.data; err == TC_OK && line; number++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        err = apply_line(o, line, path, number);
        line = end ? end + 1 : NULL;
    }
    tc_buf_deinit(&text);
    return err;
}

static bool is_verb(const char *const *verbs, const char *arg) {
    for (; verbs && *verbs; verbs++)
        if (strcmp(*verbs, arg) == 0)
            return true;
    return false;
}

/* One flag: its option and its text; *at moves over a separate value. */
static tc_err take_flag(struct daemon_options *o, int argc, char **argv, int *at,
                        struct daemon__found *ret_found, const char **ret_text) {
    const char *arg = argv[*at];
    const char *name = strncmp(arg, "--", 2) == 0 ? arg + 2 : "";
    const char *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    struct daemon__found f = daemon__option_find(o, name, len);
    bool negated = false;
    if (f.row == NULL && eq == NULL && len > 3 && memcmp(name, "no-", 3) == 0) {
        f = daemon__option_find(o, name + 3, len - 3);
        negated = f.row != NULL && f.row->type == DAEMON_OPTION_BOOL;
        f.row = negated ? f.row : NULL;
    }
    if (f.row == NULL) {
        tc_buf_printf(&o->problem, "no option '%s'; --help lists them", arg);
        return TC_EINVAL;
    }
    *ret_found = f;
    *ret_text = negated ? "false" : "true";
    if (eq)
        *ret_text = eq + 1;
    else if (f.row->type != DAEMON_OPTION_BOOL) {
        if (*at + 1 >= argc) {
            tc_buf_printf(&o->problem, "%s wants a value: %s", arg, f.row->help);
            return TC_EINVAL;
        }
        *ret_text = argv[++*at];
    }
    return TC_OK;
}

/* config_only: look for --config alone, which is needed before the rest applies. */
static tc_err apply_flags(struct daemon_options *o, int argc, char **argv, const char *const *verbs,
                          bool config_only) {
    for (int i = 1; i < argc; i++) {
        if (is_verb(verbs, argv[i]))
            continue;
        struct daemon__found f = {0};
        const char *text = NULL;
        TC_TRY(take_flag(o, argc, argv, &i, &f, &text));
        if (!config_only || strcmp(f.row->name, "config") == 0)
            TC_TRY(set(o, f, text, "command line"));
    }
    return TC_OK;
}

tc_err daemon_options_parse(struct daemon_options *o, int argc, char **argv, char **env,
                            const char *const *verbs) {
    TC_TRY(apply_defaults(o));
    TC_TRY(apply_env(o, env));
    TC_TRY(apply_flags(o, argc, argv, verbs, /* config_only= */ true));
    struct daemon__found config = daemon__option_find(o, "config", 6);
    const char *path = config.row ? *daemon__field_string(config) : "";
    if (path[0] != '\0') {
        TC_TRY(apply_file(o, path));
        TC_TRY(apply_env(o, env));
    }
    return apply_flags(o, argc, argv, verbs, /* config_only= */ false);
}

void daemon_options_deinit(struct daemon_options *o) {
    for (size_t i = 0; i < o->owned_count; i++)
        free(o->owned[i]);
    free(o->owned);
    tc_buf_deinit(&o->problem);
    *o = (struct daemon_options){0};
}
