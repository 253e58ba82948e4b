/* Options of tercet-archiver (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_ARCHIVER_OPTIONS_H
#define TC_SERVICES_ARCHIVER_OPTIONS_H

#include "daemon/options.h"

#define ARCHIVER_OPTIONS(X)                                                                        \
    X(STRING, archive, "", 0, 1024, "folder or s3://bucket/prefix",                                \
      "where segments and manifests are kept")                                                     \
    X(STRING, s3_endpoint, "", 0, 255, "URL",                                                      \
      "S3 server, http(s)://host:port; empty: Amazon's of the region")                             \
    X(STRING, s3_region, "us-east-1", 1, 63, "name", "S3 region")                                  \
    X(STRING, s3_ca, "", 0, 1023, "PEM file", "authority of the S3 server; empty: the system's")   \
    X(BOOL, s3_virtual_host, "false", 0, 0, "", "put the bucket into the host name")               \
    X(BOOL, compress, "true", 0, 0, "", "compress segments with zstd")                             \
    X(U64, queue_bytes, "256M", 1048576, 17179869184, "bytes",                                     \
      "offers waiting for the archive; beyond, replicas are told to come again")

DAEMON_OPTIONS(archiver_options, "Archiver", ARCHIVER_OPTIONS)

#endif
