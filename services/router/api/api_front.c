/* What HTTP itself asks of the API's address: which requests are calls, health, pages of browsers,
 * refusals of the server. */
#include "base/assert.h"
#include "router/api/api_private.h"

static void answer(struct api *a, struct http_request *r, unsigned status, const char *type) {
    char id[API_REQUEST_ID_CHARS + 1];
    api__request_id(&a->loops[r->loop_index].ids, id);
    api__respond(r, status, type, id);
}

static void not_found(struct api *a, struct http_request *r) {
    tc_buf_append_str(&r->answer, "<UnknownOperationException/>\n");
    answer(a, r, 404, "application/xml");
}

static void handle_get(struct api *a, struct http_request *r) {
    struct tc_slice path = r->head->path;
    unsigned status = 200;
    if (tc_slice_eq(path, TC_SLICE_LIT("/"))) {
        tc_buf_printf(&r->answer, "healthy: dynamodb.%s.amazonaws.com ", a->config.region);
    } else if (tc_slice_eq(path, TC_SLICE_LIT("/livez"))) {
        tc_buf_append_str(&r->answer, "ok\n");
    } else if (tc_slice_eq(path, TC_SLICE_LIT("/readyz"))) {
        const struct api_executor *e = &a->config.executor;
        bool ready = e->ready == NULL || e->ready(e->user, &r->answer);
        status = ready ? 200 : 503;
        tc_buf_append_str(&r->answer, ready ? "ready\n" : "\n");
    } else {
        not_found(a, r);
        return;
    }
    answer(a, r, status, "text/plain; charset=utf-8");
}

/* The server itself refused what came in. */
static void handle_fault(struct api *a, struct http_request *r) {
    static const struct {
        unsigned status;
        enum api_error error;
        const char *text;
    } faults[] = {
        {413, API_REQUEST_ENTITY_TOO_LARGE, "Request body is larger than 16 MB"},
        {503, API_SERVICE_UNAVAILABLE, "Too many large requests at once"},
        {408, API_REQUEST_TIMEOUT, "The request did not arrive in time"},
        {0, API_SERIALIZATION, "The request is not valid HTTP/1.1"},
    };
    size_t i = 0;
    while (faults[i].status != 0 && faults[i].status != r->fault_status)
        i++;
    api_error_write(&r->answer, faults[i].error, tc_slice_str(faults[i].text), TC_SLICE_EMPTY);
    answer(a, r, r->fault_status, "application/x-amz-json-1.0");
}

/* The media type of a call, as constant text; NULL: not one of ours. */
static const char *json_type(const struct http_head *head) {
    static const char *const types[] = {"application/x-amz-json-1.0", "application/x-amz-json-1.1",
                                        "application/json"};
    struct tc_slice type;
    if (!http_head_get(head, TC_SLICE_LIT("content-type"), &type))
        return NULL;
    for (size_t i = 0; i < type.len; i++)
        if (type.data[i] == ';' || type.data[i] == ' ')
            type.len = i;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (http_name_eq(type, tc_slice_str(types[i])))
            return types[i];
    return NULL;
}

/* A header's value back to who sent it, or what stands for it. */
static void echo(struct http_request *r, const char *name, struct tc_slice asked,
                 const char *otherwise) {
    struct tc_slice value = tc_slice_str(otherwise);
    (void)http_head_get(r->head, asked, &value);
    tc_buf_append_str(&r->headers, name);
    tc_buf_append_slice(&r->headers, value);
    tc_buf_append_str(&r->headers, "\r\n");
}

/* Pages of any origin may call: what protects a table is the signature, not the page's address. */
static void allow_origin(struct http_request *r) {
    struct tc_slice origin;
    if (!http_head_get(r->head, TC_SLICE_LIT("origin"), &origin))
        return;
    tc_buf_append_str(&r->headers, "Access-Control-Allow-Origin: *\r\n"
                                   "Access-Control-Expose-Headers: x-amzn-requestid, x-amz-crc32, "
                                   "date\r\n");
    if (!tc_slice_eq(r->head->method, TC_SLICE_LIT("OPTIONS")))
        return;
    echo(r, "Access-Control-Allow-Methods: ", TC_SLICE_LIT("access-control-request-method"),
         "GET, POST");
    echo(r, "Access-Control-Allow-Headers: ", TC_SLICE_LIT("access-control-request-headers"),
         "authorization, content-type, x-amz-target, x-amz-date, x-amz-content-sha256, "
         "x-amz-security-token, x-amz-user-agent, amz-sdk-invocation-id, amz-sdk-request");
    tc_buf_append_str(&r->headers, "Access-Control-Max-Age: 172800\r\n");
}

void api_handle(void *user, struct http_request *r) {
    struct api *a = user;
    TC_ASSERT(r->loop_index < a->config.loop_count);
    if (r->fault_status != 0) {
        handle_fault(a, r);
        return;
    }
    bool post = tc_slice_eq(r->head->method, TC_SLICE_LIT("POST")) &&
                tc_slice_eq(r->head->path, TC_SLICE_LIT("/"));
    const char *type = post ? json_type(r->head) : NULL;
    allow_origin(r);
    if (type != NULL)
        api__call(a, r, type);
    else if (tc_slice_eq(r->head->method, TC_SLICE_LIT("OPTIONS")))
        answer(a, r, 200, "text/plain; charset=utf-8");
    else if (tc_slice_eq(r->head->method, TC_SLICE_LIT("GET")) ||
             tc_slice_eq(r->head->method, TC_SLICE_LIT("HEAD")))
        handle_get(a, r); /* the server leaves the body out of answers to HEAD */
    else
        not_found(a, r);
}
