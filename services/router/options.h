/* Options of tercet-router (see daemon/options.h for the columns). */
#ifndef TC_SERVICES_ROUTER_OPTIONS_H
#define TC_SERVICES_ROUTER_OPTIONS_H

#include "daemon/options.h"

#define ROUTER_OPTIONS(X)                                                                          \
    X(ADDRS, http_listen, "127.0.0.1:8000", 1, 1, "host:port", "where clients connect (HTTP)")     \
    X(STRING, https_cert, "", 0, 4096, "PEM file",                                                 \
      "certificate for clients; with --https-key: TLS")                                            \
    X(STRING, https_key, "", 0, 4096, "PEM file", "its private key")                               \
    X(U64, http_loops, "1", 1, 16, "threads", "threads that serve clients")                        \
    X(U64, connections_max, "4096", 16, 1000000, "connections", "clients at once, then refusal")   \
    X(ADDRS, memds, "127.0.0.1:7103", 1, 16, "host:port,...", "metadata nodes")                    \
    X(ADDRS, gac, "", 0, 16, "host:port,...", "global admission control nodes")                    \
    X(STRING, region, "us-east-1", 1, 64, "name",                                                  \
      "shown by GET /; any region's signature is accepted")                                        \
    X(U64, table_units_max, "40000", 1, 1000000000, "units",                                       \
      "read and write units of one table at most, as provisioned, maximum or warm throughput")     \
    X(U64, account_units_max, "80000", 1, 1000000000, "units",                                     \
      "read and write units that all provisioned tables have together")                            \
    X(U64, tables_max, "2500", 1, 1000000, "tables", "tables that may exist")                      \
    X(STRING, auth, "local", 5, 6, "mode",                                                         \
      "local: any well-signed key id; strict: only keys of --credentials")                         \
    X(STRING, credentials, "tercet:tercet-local-secret", 3, 65536, "ID:SECRET,...",                \
      "access keys; prefer the file or the environment over the command line")                     \
    X(STRING, credentials_file, "", 0, 4096, "file", "access keys instead, one ID:SECRET a line")

DAEMON_OPTIONS(router_options, "Front door", ROUTER_OPTIONS)

#endif
