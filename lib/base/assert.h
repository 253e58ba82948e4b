/* Assertions state what only a bug can break; data from disk, network or clients is never asserted.
 *
 *   TC_ASSERT   always on, in production too
 *   TC_DASSERT  expensive checks, in builds with TC_VERIFY (the dev preset) only
 *   TC_IMPLIES  a holds only together with b
 */
#ifndef TC_BASE_ASSERT_H
#define TC_BASE_ASSERT_H

_Noreturn void tc_assert_fail(const char *expr, const char *file, int line, const char *func);

#define TC_ASSERT(expr)                                                                            \
    (__builtin_expect(!!(expr), 1) ? (void)0 : tc_assert_fail(#expr, __FILE__, __LINE__, __func__))
#if defined(TC_VERIFY) && TC_VERIFY
#define TC_DASSERT(expr) TC_ASSERT(expr)
#else
#define TC_DASSERT(expr) ((void)sizeof(!!(expr)))
#endif
#define TC_IMPLIES(a, b) (!(a) || (b))

/* Recover the object that embeds member (intrusive lists, callbacks). */
#define TC_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
