/* `tercet health [ADMIN_PORT]`: a health check that needs no curl in the image. */
#include "ctl.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

int ctl_health(int argc, char **argv) {
    unsigned long port = argc == 1 ? strtoul(argv[0], NULL, 10) : 7001;
    if (argc > 1 || port == 0 || port > 65535) {
        fprintf(stderr, "usage: tercet health [ADMIN_PORT]   (default: 7001)\n");
        return 2;
    }
    bool ready = process_http_ok((uint16_t)port, "/readyz");
    puts(ready ? "ready" : "not ready");
    return ready ? 0 : 1;
}
