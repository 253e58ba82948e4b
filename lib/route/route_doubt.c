/* A cached table that memds does not know: it was dropped, or memds has yet to hear of it. The
 * system group knows. The table is used until then, and one question is under way at a time. */
#include "route/route_private.h"

#include "base/assert.h"

#include <stdlib.h>

#define DOUBT_NS UINT64_C(5000000000)

struct doubt {
    struct route *route;
    struct route_find find;
    uint8_t name[];
};

static void over(struct route_find *f, tc_err err, struct route_table *table) {
    struct doubt *d = f->user;
    struct route *r = d->route;
    (void)err;
    route_table_unref(table);
    pthread_mutex_lock(&r->lock);
    struct route_table *t = tc_map_get(&r->tables, f->name);
    if (t) /* it exists after all, or nobody could say */
        t->doubted = false;
    pthread_mutex_unlock(&r->lock);
    free(d);
}

static bool begin(struct route *r, struct tc_slice name) {
    pthread_mutex_lock(&r->lock);
    struct route_table *t = r->closing ? NULL : tc_map_get(&r->tables, name);
    bool ask = t && !t->doubted;
    if (ask) {
        t->doubted = true;
        route__begun(r, /* missed= */ false);
    }
    pthread_mutex_unlock(&r->lock);
    return ask;
}

void route__doubt(struct route *r, struct tc_slice name) {
    if (!begin(r, name))
        return;
    struct doubt *d = calloc(1, sizeof *d + name.len);
    TC_ASSERT(d != NULL);
    memcpy(d->name, name.data, name.len);
    d->route = r;
    d->find = (struct route_find){.name = tc_slice(d->name, name.len),
                                  .deadline_ns = daemon_now_ns() + DOUBT_NS,
                                  .done = over,
                                  .user = d};
    route__find_confirm(r, &d->find);
}
