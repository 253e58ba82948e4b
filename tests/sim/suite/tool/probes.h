/* probes: rare branches that the daemons reached (base/probe.h), summed over the runs' processes,
 * and those that runs must reach. */
#ifndef TC_SIM_SUITE_TOOL_PROBES_H
#define TC_SIM_SUITE_TOOL_PROBES_H

#include <stdbool.h>

/* In the child: write what it reached. */
void probes_write(int fd);
/* In the parent: add what a child wrote, until its end. */
void probes_read(int fd);
/* Print all of them, the demanded ones that nobody reached as well; false: there are such. */
bool probes_report(void);

#endif
