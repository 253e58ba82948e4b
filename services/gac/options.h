/* Options of tercet-gac (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_GAC_OPTIONS_H
#define TC_SERVICES_GAC_OPTIONS_H

#include "daemon/options.h"

#define GAC_OPTIONS(X)                                                                             \
    X(U64, tables_max, "10000", 1, 1000000, "tables",                                              \
      "tables accounted for; beyond, reports are refused")

DAEMON_OPTIONS(gac_options, "Global admission control", GAC_OPTIONS)

#endif
