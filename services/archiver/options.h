/* Options of tercet-archiver (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_ARCHIVER_OPTIONS_H
#define TC_SERVICES_ARCHIVER_OPTIONS_H

#include "daemon/options.h"

#define ARCHIVER_OPTIONS(X)                                                                        \
    X(STRING, archive, "", 0, 1024, "URL",                                                         \
      "where segments and manifests are kept: dir:PATH or s3://BUCKET/PREFIX?endpoint=URL")        \
    X(BOOL, compress, "true", 0, 0, "", "compress segments with zstd")                             \
    X(U64, queue_bytes, "256M", 1048576, 17179869184, "bytes",                                     \
      "offers waiting for the archive; beyond, replicas are told to come again")

DAEMON_OPTIONS(archiver_options, "Archiver", ARCHIVER_OPTIONS)

#endif
