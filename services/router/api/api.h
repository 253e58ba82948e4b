/* The API between HTTP and execution: authenticates, decodes, hands typed requests to an executor
 * and turns its results into answers.
 *
 *   http thread:  api_handle -> signature -> decode -> executor.execute(user, req)
 *   any thread:   executor writes the body with api_write_* into req->out, then api_complete(req);
 *                 or api_fail(req, error, text)
 *
 * Threads: api_handle runs on the HTTP loop threads, with state of its own per loop; completion may
 * come from any thread, during execute or later, exactly once per request.
 * Memory: req, its input and req->arena live until completion. Only who executes a request may
 * allocate from its arena.
 */
#ifndef TC_ROUTER_API_H
#define TC_ROUTER_API_H

#include "router/api/api_error.h"
#include "router/api/api_op.h"
#include "router/api/api_types.h"
#include "router/api/api_write.h"
#include "router/http/http_server.h"

enum {
    API_REQUEST_ID_CHARS = 52,
    API_CREDENTIALS_MAX = 1024,
    API_ARENA_BYTES_MAX = 64 * 1024 * 1024, /* of one request */
};

struct api;

struct api_request {
    const struct api_op_info *op;
    const void *input; /* the struct of the operation, api_types.h */
    struct tc_arena *arena;
    struct tc_buf *out;       /* the answer's body; empty at first */
    struct tc_slice key_id;   /* who signed */
    struct tc_slice region;   /* as signed; for ARNs */
    const char *content_type; /* of the answer: that of the request */
    struct tc_slice host;     /* Host header; for DescribeEndpoints */
    unsigned loop_index;
    char request_id[API_REQUEST_ID_CHARS + 1];
    uint64_t started_ns; /* monotonic */
    struct api *api;
    struct http_request *http;
    void *exec; /* the executor's */
};

/* The other side of the API. execute must complete every request, at once or later. ready_why
 * appends why requests cannot be served now, or returns true; NULL: always ready. */
struct api_executor {
    void (*execute)(void *user, struct api_request *req);
    bool (*ready)(void *user, struct tc_buf *ret_why);
    void *user;
};

/* One finished request, for metrics and logs; called on the completing thread. error API_OK: 200 */
struct api_observer {
    void (*done)(void *user, const struct api_request *req, enum api_error error);
    void *user;
};

struct api_credential {
    struct tc_slice key_id;
    struct tc_slice secret;
};

struct api_config {
    const struct api_credential *credentials; /* borrowed for the life of the api */
    size_t credential_count;
    /* Accept a key id that is not listed, if it signed with the first credential's secret or with
     * the key id itself as secret. For local development. */
    bool accept_unknown_keys;
    const char *region; /* shown by GET / */
    unsigned loop_count;
    struct api_executor executor;
    struct api_observer observer;  /* done NULL: none */
    uint64_t (*now_s)(void *user); /* Unix time; NULL: the system's clock */
    void *now_user;
};

struct api *api_new(const struct api_config *config);
/* Every request must have been completed. NULL is a no-op. */
void api_free(struct api *a);
/* The http_handler; user is the struct api. */
void api_handle(void *user, struct http_request *r);

/* Answer 200 with what was written to req->out. req is gone afterwards. */
void api_complete(struct api_request *req);
/* Answer with an exception; what was written to req->out is dropped. */
void api_fail(struct api_request *req, enum api_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with a text of any bytes and further members (JSON beginning with a comma). */
void api_fail_with(struct api_request *req, enum api_error error, struct tc_slice text,
                   struct tc_slice more_members);

#endif
