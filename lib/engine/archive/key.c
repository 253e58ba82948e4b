#include "engine/archive/objstore.h"

static bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool part_ok(const char *part, size_t len) {
    if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!plain(part[i]))
            return false;
    return true;
}

bool objstore_key_ok(const char *key) {
    if (strlen(key) > OBJSTORE_KEY_BYTES_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(key, "/");
        if (!part_ok(key, len))
            return false;
        if (key[len] == 0)
            return true;
        key += len + 1;
    }
}
