/* Shared by the files that serve calls: api.c, api_auth.c, api_front.c. */
#ifndef TC_ROUTER_API_PRIVATE_H
#define TC_ROUTER_API_PRIVATE_H

#include "router/api/api.h"

#include "base/prng.h"
#include "router/api/api_decode.h"
#include "sigv4/sigv4.h"

enum {
    /* Smaller answers are sent as they are: see docs/PERFORMANCE.md for what packing costs. */
    API__GZIP_BYTES_MIN = 4096,
};

struct api__loop {
    struct sigv4 *sigv4;
    struct api_decoder decoder;
    struct tc_prng ids;
};

struct api {
    struct api_config config;
    struct api__loop loops[HTTP_LOOP_COUNT_MAX];
};

/* api_auth.c: verify the signature and note who signed. Otherwise the text goes to the loop's
 * decoder. */
enum api_error api__authenticate(struct api_request *req);

/* api.c: serve a request whose head is that of a call; type: the media type of both bodies. */
void api__call(struct api *a, struct http_request *r, const char *type);
void api__request_id(struct tc_prng *ids, char ret_id[API_REQUEST_ID_CHARS + 1]);
/* Pack the body if the client asked for it and it is large, add its headers, hand it over. */
void api__respond(struct http_request *r, unsigned status, const char *type,
                  const char *request_id);

#endif
