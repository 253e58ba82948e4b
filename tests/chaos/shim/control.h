/* control: the page of memory by which the chaos harness steers the shim inside a daemon.
 *
 * A file of CHAOS_CONTROL_BYTES, mapped shared by both sides; its path is in the environment
 * variable TERCET_CHAOS_CONTROL. The harness (tests/chaos/control.py) writes, the shim reads and
 * counts. Every field is 8 bytes, native order, at the offset its place in the struct gives.
 * Writers make `sequence` odd, change fields, make it even again; readers of several fields repeat
 * on a change.
 */
#ifndef TC_TESTS_CHAOS_CONTROL_H
#define TC_TESTS_CHAOS_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    CHAOS_CONTROL_BYTES = 4096,
};

struct chaos_control {
    _Atomic uint64_t sequence;
    _Atomic uint64_t write_delay_us; /* before each pwrite */
    _Atomic uint64_t sync_delay_us;  /* before each fsync, fdatasync */
    _Atomic uint64_t write_errno;    /* 0: writes work */
    _Atomic uint64_t sync_errno;
    _Atomic uint64_t read_errno;
    _Atomic uint64_t chance_ppm; /* of each call to meet its delay or error */
    _Atomic int64_t realtime_offset_ns;
    _Atomic int64_t monotonic_offset_ns; /* also CLOCK_MONOTONIC_RAW and _COARSE */
    _Atomic int64_t boottime_offset_ns;
    _Atomic int64_t rate_ppm;     /* all clocks run this much fast since rate_base_ns */
    _Atomic int64_t rate_base_ns; /* true CLOCK_BOOTTIME */
    _Atomic uint64_t given;       /* counted by the shim: calls delayed or failed */
    _Atomic uint64_t lies;        /* not 0: syncs are said to be done and are not (see open, too) */
};

#endif
