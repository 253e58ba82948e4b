/* posix: what its two files share. */
#ifndef TC_ENV_POSIX_PRIVATE_H
#define TC_ENV_POSIX_PRIVATE_H

#include "env/posix/posix.h"

/* The error that a failed system call's errno means to the engine. */
tc_err posix__err(int error);
tc_err posix__open(struct tc_fs *fs, const char *path, unsigned flags, struct tc_file **ret_file);

#endif
