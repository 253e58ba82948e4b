#include "engine/archive/location.h"

#include <stdio.h>

enum {
    NAME_BYTES = 256,
};

static tc_err wrong(struct tc_buf *problem, const char *text) {
    if (problem)
        tc_buf_append_str(problem, text);
    return TC_EINVAL;
}

static bool given(const char *text) {
    return text != NULL && text[0] != 0;
}

/* bucket[/prefix[/]] -> "bucket" and "prefix/" */
static bool split(const char *rest, char bucket[NAME_BYTES], char prefix[NAME_BYTES]) {
    size_t len = strcspn(rest, "/");
    if (len == 0 || len >= NAME_BYTES)
        return false;
    memcpy(bucket, rest, len);
    bucket[len] = 0;
    const char *tail = rest[len] ? rest + len + 1 : "";
    size_t n = strlen(tail);
    const char *slash = n > 0 && tail[n - 1] != '/' ? "/" : "";
    return snprintf(prefix, NAME_BYTES, "%s%s", tail, slash) < NAME_BYTES;
}

static tc_err open_s3(struct tc_clock *clock, const struct archive_location *l,
                      struct tc_buf *problem, struct objstore **ret_store) {
    char bucket[NAME_BYTES];
    char prefix[NAME_BYTES];
    char endpoint[NAME_BYTES];
    if (!split(l->where + strlen("s3://"), bucket, prefix))
        return wrong(problem, "the archive must be s3://BUCKET or s3://BUCKET/PREFIX");
    if (!given(l->s3_key_id) || !given(l->s3_secret))
        return wrong(problem, "S3 needs credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    const char *region = given(l->s3_region) ? l->s3_region : "us-east-1";
    bool amazon = !given(l->s3_endpoint);
    snprintf(endpoint, sizeof endpoint, "https://s3.%s.amazonaws.com", region);
    struct objstore_s3_config c = {
        .endpoint = amazon ? endpoint : l->s3_endpoint,
        .bucket = bucket,
        .region = region,
        .prefix = prefix,
        .key_id = l->s3_key_id,
        .secret = l->s3_secret,
        .ca_file = given(l->s3_ca_file) ? l->s3_ca_file : NULL,
        .virtual_host = amazon || l->s3_virtual_host,
        .seed = tc_clock_mono_ns(clock),
        .clock = clock,
    };
    tc_err err = objstore_s3_new(&c, ret_store);
    return err == TC_EINVAL ? wrong(problem, "the S3 endpoint, bucket, prefix or key is malformed")
                            : err;
}

tc_err archive_open(struct tc_fs *fs, struct tc_clock *clock,
                    const struct archive_location *location, struct tc_buf *problem,
                    struct objstore **ret_store) {
    if (!given(location->where))
        return wrong(problem, "name the archive: a directory or s3://BUCKET/PREFIX");
    if (strncmp(location->where, "s3://", 5) == 0)
        return open_s3(clock, location, problem, ret_store);
    tc_err err = tc_fs_mkdir(fs, location->where);
    if (err != TC_OK && err != TC_EEXISTS)
        return err;
    err = objstore_dir_new(fs, location->where, ret_store);
    return err == TC_EINVAL ? wrong(problem, "the archive's path is too long") : err;
}
