/* What the status of an answer means, and when the same is asked again. */
#include "engine/archive/s3.h"

#include <time.h>

#define BACKOFF_FIRST_MS 50u
#define BACKOFF_MAX_MS   5000u

static bool code_is(const struct s3_answer *a, const char *element) {
    return memmem(a->body.data, a->body.len, element, strlen(element)) != NULL;
}

/* "Not found" must mean the object: taken for that, a missing bucket or an unknown user would look
 * like an empty archive. A HEAD has no body to tell by; its caller asks again. */
static tc_err absent_error(const struct s3_answer *a) {
    if (a->body.len == 0 || code_is(a, "<Code>NoSuchKey</Code>"))
        return TC_ENOTFOUND;
    return code_is(a, "<Code>NoSuchBucket</Code>") ? TC_EINVAL : TC_EAUTH;
}

static tc_err status_error(const struct s3_answer *a) {
    long status = a->status;
    if (status >= 200 && status < 300)
        return TC_OK;
    switch (status) {
    case 400:
        return TC_EINVAL;
    case 401:
    case 403:
        return TC_EAUTH;
    case 404:
        return absent_error(a);
    case 412:
        return TC_EEXISTS;
    case 416:
        return TC_EEND;
    case 409: /* another conditional write of the key is under way */
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return TC_EUNAVAILABLE;
    default:
        return TC_EINTERNAL;
    }
}

static bool worth_retrying(tc_err err) {
    return err == TC_EUNAVAILABLE || err == TC_ETIMEOUT || err == TC_ECLOSED;
}

/* Full jitter: anywhere between nothing and the doubled step, so that many clients spread out. */
static uint64_t backoff_ms(struct objstore_s3 *s, uint32_t attempt) {
    uint64_t step = attempt < 10 ? (uint64_t)BACKOFF_FIRST_MS << attempt : BACKOFF_MAX_MS;
    return tc_prng_below(&s->prng, (step < BACKOFF_MAX_MS ? step : BACKOFF_MAX_MS) + 1);
}

static void pause_ms(uint64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
    nanosleep(&t, NULL);
}

tc_err s3__request(struct objstore_s3 *s, const struct s3_request *req, struct s3_answer *answer,
                   uint32_t *ret_attempts) {
    uint64_t start_ns = tc_clock_mono_ns(s->clock);
    tc_err err = TC_ETIMEOUT;
    for (uint32_t attempt = 0; attempt < s->attempts_max; attempt++) {
        uint64_t spent_ms = (tc_clock_mono_ns(s->clock) - start_ns) / 1000000;
        if (spent_ms >= s->deadline_ms)
            break;
        *ret_attempts = attempt + 1;
        err = s3__exchange(s, req, s->deadline_ms - spent_ms, answer);
        if (err == TC_OK)
            err = status_error(answer);
        if (!worth_retrying(err))
            return err;
        uint64_t wait_ms = backoff_ms(s, attempt);
        if (attempt + 1 == s->attempts_max || spent_ms + wait_ms >= s->deadline_ms)
            break;
        pause_ms(wait_ms);
    }
    return err == TC_ECLOSED ? TC_EUNAVAILABLE : err;
}
