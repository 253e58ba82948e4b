#include "daemon/options_private.h"

#include <inttypes.h>

static const char *const type_names[] = {"number", "bool", "string", "duration", "addresses"};

static void append_name(const struct daemon_option *row, struct tc_buf *text) {
    for (const char *c = row->name; *c; c++)
        tc_buf_append_u8(text, *c == '_' ? '-' : (uint8_t)*c);
}

void daemon__option_flag(const struct daemon_option *row, struct tc_buf *ret_text) {
    tc_buf_append_str(ret_text, "--");
    append_name(row, ret_text);
}

static void append_range(const struct daemon_option *row, struct tc_buf *text) {
    bool number = row->type == DAEMON_OPTION_U64;
    bool time = row->type == DAEMON_OPTION_DURATION;
    if (number || time)
        tc_buf_printf(text, "; %" PRIu64 " to %" PRIu64 "%s", row->min, row->max,
                      time ? " ms" : "");
}

static void help_row(const struct daemon_option *row, struct tc_buf *text) {
    size_t start = text->len;
    tc_buf_append_str(text, "  ");
    daemon__option_flag(row, text);
    if (row->type != DAEMON_OPTION_BOOL)
        tc_buf_printf(text, " %s", row->unit[0] ? row->unit : type_names[row->type]);
    size_t used = text->len - start;
    tc_buf_printf(text, "%*s%s (", used < 34 ? (int)(34 - used) : 1, "", row->help);
    tc_buf_append_str(text, row->value[0] ? "default " : "default none");
    tc_buf_append_str(text, row->value);
    append_range(row, text);
    tc_buf_append_str(text, ")\n");
}

void daemon_options_help(const struct daemon_options *o, struct tc_buf *ret_text) {
    for (size_t g = 0; g < o->group_count; g++) {
        const struct daemon_option_table *t = &o->groups[g].table;
        tc_buf_printf(ret_text, "%s:\n", t->title);
        for (size_t i = 0; i < t->count; i++)
            help_row(&t->rows[i], ret_text);
        tc_buf_append_str(ret_text, "\n");
    }
}

void daemon_options_list(const struct daemon_options *o, struct tc_buf *ret_text) {
    tc_buf_append_str(ret_text, "name\ttype\tdefault\tmin\tmax\tunit\thelp\n");
    for (size_t g = 0; g < o->group_count; g++)
        for (size_t i = 0; i < o->groups[g].table.count; i++) {
            const struct daemon_option *row = &o->groups[g].table.rows[i];
            append_name(row, ret_text);
            tc_buf_printf(ret_text, "\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\n",
                          type_names[row->type], row->value, row->min, row->max, row->unit,
                          row->help);
        }
}
