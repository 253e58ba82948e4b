#include "engine/archive/url.h"

enum {
    URL_BYTES_MAX = 1024,
};

static tc_err open_dir(const char *path, const struct archive_url_env *env,
                       struct objstore **ret_store) {
    if (path[0] == 0)
        return TC_EINVAL;
    tc_err err = tc_fs_mkdir(env->fs, path);
    if (err != TC_OK && err != TC_EEXISTS)
        return err;
    return objstore_dir_new(env->fs, path, ret_store);
}

/* One name=value of the query, both ended by zeros. */
static bool set(struct objstore_s3_config *c, const char *name, const char *value) {
    if (strcmp(name, "endpoint") == 0)
        c->endpoint = value;
    else if (strcmp(name, "region") == 0)
        c->region = value;
    else if (strcmp(name, "ca") == 0)
        c->ca_file = value;
    else if (strcmp(name, "virtual") == 0)
        c->virtual_host = strcmp(value, "1") == 0;
    else
        return false;
    return true;
}

static bool parse_query(char *text, struct objstore_s3_config *c) {
    while (*text) {
        char *end = text + strcspn(text, "&");
        char *next = *end ? end + 1 : end;
        char *equals = memchr(text, '=', (size_t)(end - text));
        if (!equals)
            return false;
        *end = 0;
        *equals = 0;
        if (!set(c, text, equals + 1))
            return false;
        text = next;
    }
    return true;
}

/* text: what follows "s3://", cut up in place. prefix: room for the prefix and its final slash. */
static tc_err open_s3(char *text, const struct archive_url_env *env, struct objstore **ret_store) {
    char prefix[URL_BYTES_MAX + 2] = "";
    struct objstore_s3_config c = {.region = "us-east-1",
                                   .bucket = text,
                                   .key_id = env->key_id,
                                   .secret = env->secret,
                                   .seed = env->seed,
                                   .clock = env->clock};
    char *query = strchr(text, '?');
    if (!query || !env->key_id || !env->secret || !env->key_id[0] || !env->secret[0])
        return TC_EINVAL;
    *query = 0;
    char *slash = strchr(text, '/');
    if (slash && slash[1]) {
        size_t len = strlen(slash + 1);
        memcpy(prefix, slash + 1, len);
        if (prefix[len - 1] != '/')
            prefix[len] = '/';
        c.prefix = prefix;
    }
    if (slash)
        *slash = 0;
    if (!parse_query(query + 1, &c) || !c.endpoint || text[0] == 0)
        return TC_EINVAL;
    return objstore_s3_new(&c, ret_store);
}

tc_err archive_url_open(const char *url, const struct archive_url_env *env,
                        struct objstore **ret_store) {
    char text[URL_BYTES_MAX];
    size_t len = strlen(url);
    if (len >= sizeof text)
        return TC_EINVAL;
    memcpy(text, url, len + 1);
    if (strncmp(text, "dir:", 4) == 0)
        return open_dir(text + 4, env, ret_store);
    if (strncmp(text, "s3://", 5) == 0)
        return open_s3(text + 5, env, ret_store);
    return TC_EINVAL;
}
