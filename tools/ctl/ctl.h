/* ctl: the sub-commands of `tercet`. Each takes its own arguments (argv[0] is the first after the
 * command's name) and returns the exit status: 0 done, 1 failed, 2 wrong usage. */
#ifndef TC_TOOLS_CTL_CTL_H
#define TC_TOOLS_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>

int ctl_local(int argc, char **argv);
int ctl_health(int argc, char **argv);
int ctl_nodes(int argc, char **argv);
int ctl_tables(int argc, char **argv);
int ctl_partitions(int argc, char **argv);
int ctl_scrub(int argc, char **argv);
int ctl_heal(int argc, char **argv);
int ctl_drain(int argc, char **argv);
int ctl_move(int argc, char **argv);
int ctl_orders(int argc, char **argv);
int ctl_split(int argc, char **argv);
int ctl_merge(int argc, char **argv);
int ctl_transfer(int argc, char **argv);

/* True if name is among the arguments; it is taken out of them. */
bool ctl_flag(int *argc, char **argv, const char *name);
/* A group's number; 0: that is none. */
uint64_t ctl_gid(const char *text);
/* True if --help or -h is among the arguments. */
bool ctl_help_asked(int argc, char **argv);
/* Options shared by hand-written parsers: if argv[*i] is name, or name=value, set *ret_value and
 * advance; a missing value prints an error and exits 2. */
int ctl_option(int argc, char **argv, int *i, const char *name, const char **ret_value);

#endif
