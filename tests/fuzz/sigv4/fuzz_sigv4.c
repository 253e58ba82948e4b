/* Input: the first line is the Authorization header, the second the query string, the rest one
 * header list ("name:value" lines). Nothing random may ever verify, and every refusal has a text.
 */
#include "base/assert.h"
#include "sigv4/sigv4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct tc_slice line(struct tc_slice *rest) {
    const uint8_t *at = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    struct tc_slice s = tc_slice(rest->data, len);
    *rest = tc_slice_from(*rest, at ? len + 1 : len);
    return s;
}

static bool secret(void *user, struct tc_slice key_id, size_t index, struct tc_slice *ret_secret) {
    (void)user;
    (void)key_id;
    *ret_secret = TC_SLICE_LIT("a secret nobody signs with");
    return index == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static struct sigv4 *s;
    struct sigv4_header headers[SIGV4_HEADER_COUNT_MAX];
    size_t count = 0;
    struct tc_slice rest = tc_slice(data, len);
    if (s == NULL)
        s = sigv4_new();
    struct tc_slice authorization = line(&rest);
    struct tc_slice query = line(&rest);
    if (authorization.len)
        headers[count++] = (struct sigv4_header){TC_SLICE_LIT("Authorization"), authorization};
    while (rest.len && count < SIGV4_HEADER_COUNT_MAX) {
        struct tc_slice value = line(&rest);
        size_t colon = 0;
        while (colon < value.len && value.data[colon] != ':')
            colon++;
        headers[count].name = tc_slice(value.data, colon);
        headers[count++].value = tc_slice_from(value, colon + (colon < value.len));
    }
    struct sigv4_request r = {.method = TC_SLICE_LIT("POST"),
                              .path = tc_slice(query.data, query.len / 2),
                              .query = query,
                              .headers = headers,
                              .header_count = count,
                              .body = authorization};
    struct sigv4_verify_params p = {
        .request = &r, .now_s = 1440938160, .service = TC_SLICE_LIT("dynamodb"), .secret = secret};
    enum sigv4_verdict verdict = sigv4_verify(s, &p, NULL);
    TC_ASSERT(verdict != SIGV4_OK);
    struct tc_buf text = {0};
    sigv4_explain(s, &p, verdict, &text);
    TC_ASSERT(text.len > 0);
    tc_buf_deinit(&text);
    return 0;
}
