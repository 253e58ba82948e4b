/* `tercet health [ADMIN_PORT]`: a health check that needs no curl in the image. */
#include "ctl.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: tercet health [ADMIN_PORT]   exit status 0: ready (default port: 7001)\n";

int ctl_health(int argc, char **argv) {
    if (ctl_help_asked(argc, argv)) {
        fputs(usage, stdout);
        return 0;
    }
    unsigned long port = argc == 1 ? strtoul(argv[0], NULL, 10) : 7001;
    if (argc > 1 || port == 0 || port > 65535) {
        fputs(usage, stderr);
        return 2;
    }
    bool ready = process_http_ok((uint16_t)port, "/readyz");
    puts(ready ? "ready" : "not ready");
    return ready ? 0 : 1;
}
