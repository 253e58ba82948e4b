/* ctl: the sub-commands of `tercet`. Each takes its own arguments (argv[0] is the first after the
 * command's name) and returns the exit status: 0 done, 1 failed, 2 wrong usage. */
#ifndef TC_TOOLS_CTL_CTL_H
#define TC_TOOLS_CTL_CTL_H

#include <stdbool.h>

int ctl_local(int argc, char **argv);
int ctl_health(int argc, char **argv);
int ctl_nodes(int argc, char **argv);
int ctl_partitions(int argc, char **argv);
int ctl_scrub(int argc, char **argv);

/* True if --help or -h is among the arguments. */
bool ctl_help_asked(int argc, char **argv);
/* Options shared by hand-written parsers: if argv[*i] is name, or name=value, set *ret_value and
 * advance; a missing value prints an error and exits 2. */
int ctl_option(int argc, char **argv, int *i, const char *name, const char **ret_value);

#endif
