/* What a router remembers of its own writes, and for how long. */
#include "base/prng.h"
#include "route/route_private.h"
#include "test_route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint64_t MS = 1000000;

static bool scan_is_recent(const struct route__recent *recent, uint64_t gid, uint64_t now_ns) {
    return route__recent_range(recent, 7, gid, TC_SLICE_EMPTY, TC_SLICE_EMPTY, now_ns);
}

void own_writes_are_remembered_for_a_moment(void **state) {
    (void)state;
    static struct route__recent recent;
    struct tc_slice key = TC_SLICE_LIT("8 bytes. key"), to = TC_SLICE_LIT("8 bytes.z");
    struct tc_slice other = TC_SLICE_LIT("8 others key");
    struct tc_prng p = tc_prng(1);
    for (int i = 0; i < 1000; i++) { /* at any time of the clock, also where its stamp wraps */
        uint64_t now_ns = i % 2 ? tc_prng_u64(&p) >> 4 : (((uint64_t)i + 1) << 24) * MS - MS;
        uint64_t end_ns = now_ns - now_ns % MS + ROUTE__RECENT_MS * MS;
        recent = (struct route__recent){0};
        assert_false(route__recent_item(&recent, 7, key, now_ns));
        route__recent_wrote(&recent, 7, 99, key, now_ns);
        assert_true(route__recent_item(&recent, 7, key, now_ns));
        assert_true(route__recent_item(&recent, 7, key, end_ns));
        assert_true(scan_is_recent(&recent, 99, end_ns));
        assert_true(route__recent_range(&recent, 7, 99, key, to, end_ns));
        assert_false(route__recent_range(&recent, 7, 99, other, other, end_ns));
        assert_true(route__recent_table(&recent, 7, end_ns));
        assert_false(route__recent_table(&recent, 7, end_ns + MS));
        assert_false(route__recent_table(&recent, 8, now_ns));
        assert_false(route__recent_item(&recent, 7, key, end_ns + MS));
        assert_false(scan_is_recent(&recent, 99, end_ns + MS));
        assert_false(route__recent_range(&recent, 7, 99, key, to, end_ns + MS));
        assert_false(route__recent_item(&recent, 8, key, now_ns));
        assert_false(route__recent_item(&recent, 7, TC_SLICE_LIT("8 bytes. kex"), now_ns));
        assert_false(scan_is_recent(&recent, 98, now_ns));
    }
}
