#include "base/crc32c.h"

#include <stdbool.h>

/* Reflected polynomial 0x1EDC6F41, one step per bit; slow but obviously right. */
#define STEP(c) (((c) >> 1) ^ (0x82f63b78u & (0u - ((c)&1u))))

static uint32_t table_entry(uint32_t c) {
    for (int k = 0; k < 8; k++)
        c = STEP(c);
    return c;
}

uint32_t tc_crc32c_portable(uint32_t crc, const void *data, size_t len) {
    const uint8_t *p = data;
    uint32_t c = ~crc;
    for (size_t i = 0; i < len; i++)
        c = (c >> 8) ^ table_entry((c ^ p[i]) & 0xff);
    return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t hardware(uint32_t crc, const uint8_t *p,
                                                           size_t len) {
    uint64_t c = ~crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    uint32_t tail = (uint32_t)c;
    for (; len > 0; p++, len--)
        tail = __builtin_ia32_crc32qi(tail, *p);
    return ~tail;
}

uint32_t tc_crc32c(uint32_t crc, const void *data, size_t len) {
    if (__builtin_cpu_supports("sse4.2"))
        return hardware(crc, data, len);
    return tc_crc32c_portable(crc, data, len);
}
#else
uint32_t tc_crc32c(uint32_t crc, const void *data, size_t len) {
    return tc_crc32c_portable(crc, data, len);
}
#endif
