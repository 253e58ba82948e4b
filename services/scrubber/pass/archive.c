#include "scrubber/pass/pass_private.h"

void pass__archive(struct pass *p) {
    pass__check(p, "archive", TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN, "no archive is configured");
    pass__check(p, "reference", TERCET__PB__SCRUB_STATE__SCRUB_NOT_RUN, "no archive is configured");
}
