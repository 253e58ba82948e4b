/* Rows of global indexes on their way to the groups that hold them.
 *
 * The store thread hands over the rows of one effect; they are divided by the partitions that route
 * knows, and each part is one call. Answers come on rpc's threads; the last one posts them to the
 * store thread. A part that turns out to stand in several partitions is divided again. */
#include "base/assert.h"
#include "proto/bytes.h"
#include "route/route.h"
#include "shell.h"

#include <stdlib.h>

enum {
    INDEX_DEADLINE_MS = 5000,
    DIVISIONS_MAX = 4, /* of the same rows, while partitions change */
};

/* The rows of one effect. */
struct shell_shipment {
    struct shell *shell;
    uint64_t token;
    uint64_t table_id;
    uint64_t deadline_ns;
    Tercet__Pb__IndexRequest *rows;
    tc_err *errs;  /* one a row; each is written by the thread that has its part */
    uint64_t left; /* rows without an answer, and 1 while they are divided first; atomic */
};

struct part {
    struct route_call call;
    struct shell_shipment *shipment;
    size_t first;
    size_t count;
    int divisions;
};

static void divide(struct shell_shipment *h, size_t first, size_t end, int divisions);

void shell_shipment_free(struct shell_shipment *h) {
    if (h == NULL)
        return;
    tercet__pb__index_request__free_unpacked(h->rows, NULL);
    free(h->errs);
    free(h);
}

/* count rows more are answered. */
static void answered(struct shell_shipment *h, size_t count) {
    if (__atomic_sub_fetch(&h->left, count, __ATOMIC_ACQ_REL) > 0)
        return;
    struct shell_post *post = shell_post_new(SHELL_INDEX);
    post->shipment = h;
    if (daemon_worker_post_reserved(h->shell->worker, post) != TC_OK)
        shell_post_free(post);
}

static void part_done(struct route_call *call, tc_err err, const ProtobufCMessage *reply,
                      const Tercet__Pb__Partition *partition) {
    struct part *p = call->user;
    struct shell_shipment *h = p->shipment;
    size_t first = p->first, end = p->first + p->count;
    int divisions = p->divisions;
    (void)reply;
    (void)partition;
    free(p);
    if (err == TC_EMOVED && divisions < DIVISIONS_MAX) {
        divide(h, first, end, divisions + 1);
        return;
    }
    for (size_t i = first; i < end; i++)
        h->errs[i] = err;
    answered(h, end - first);
}

static void send_part(struct shell_shipment *h, size_t first, size_t count, int divisions) {
    struct part *p = calloc(1, sizeof *p);
    TC_ASSERT(p != NULL);
    *p = (struct part){.shipment = h, .first = first, .count = count, .divisions = divisions};
    p->call.kind = ROUTE_INDEX;
    tercet__pb__index_request__init(&p->call.request.index);
    p->call.request.index.rows = h->rows->rows + first;
    p->call.request.index.n_rows = count;
    p->call.table_id = h->table_id;
    p->call.key = proto_slice(h->rows->rows[first]->key);
    p->call.deadline_ns = h->deadline_ns;
    p->call.done = part_done;
    p->call.user = p;
    route_call(h->shell->route, &p->call);
}

/* Rows from first on that stand in one partition as far as it is cached. What is not cached goes as
 * a whole: route then learns the partition of its first row. */
static size_t run_length(const struct shell_shipment *h, size_t first, size_t end) {
    struct tc_buf bound = {0};
    size_t at = end;
    if (route_partition_end(h->shell->route, h->table_id, proto_slice(h->rows->rows[first]->key),
                            &bound))
        for (at = first + 1; at < end; at++)
            if (bound.len > 0 &&
                tc_slice_cmp(proto_slice(h->rows->rows[at]->key), tc_buf_slice(&bound)) >= 0)
                break;
    tc_buf_deinit(&bound);
    return at - first;
}

static void divide(struct shell_shipment *h, size_t first, size_t end, int divisions) {
    while (first < end) {
        size_t count = run_length(h, first, end);
        send_part(h, first, count, divisions); /* after the last part h may be gone */
        first += count;
    }
}

/* Made when the first rows leave: most nodes' groups have no global index. */
static bool have_route(struct shell *s) {
    struct route_config config = {
        .rpc = s->rpc, .memds = &s->options->memds, .zone = s->daemon->common.zone};
    if (s->route)
        return true;
    tc_err err = route_new(&config, &s->route);
    if (err != TC_OK)
        DAEMON_WARN(s->daemon->log, "rows of indexes cannot leave, is --memds set? err=%s",
                    tc_err_name(err));
    return err == TC_OK;
}

static void refuse(struct shell *s, uint64_t token, size_t count) {
    tc_err errs[STORE_INDEX_ROWS_MAX];
    for (size_t i = 0; i < count; i++)
        errs[i] = TC_EUNAVAILABLE;
    store_index_done(s->store, token, errs, count);
}

void shell_index_send(struct shell *s, const struct store_effect *e) {
    Tercet__Pb__IndexRequest *rows =
        tercet__pb__index_request__unpack(NULL, e->payload.len, e->payload.data);
    TC_ASSERT(rows != NULL && rows->n_rows > 0 && rows->n_rows <= STORE_INDEX_ROWS_MAX);
    if (s->resting || !have_route(s)) {
        refuse(s, e->token, rows->n_rows);
        tercet__pb__index_request__free_unpacked(rows, NULL);
        return;
    }
    struct shell_shipment *h = calloc(1, sizeof *h);
    TC_ASSERT(h != NULL);
    *h = (struct shell_shipment){.shell = s,
                                 .token = e->token,
                                 .table_id = e->table_id,
                                 .rows = rows,
                                 .left = rows->n_rows + 1};
    h->deadline_ns = daemon_now_ns() + INDEX_DEADLINE_MS * UINT64_C(1000000);
    h->errs = calloc(rows->n_rows, sizeof *h->errs);
    TC_ASSERT(h->errs != NULL);
    s->shipments_out++;
    divide(h, 0, rows->n_rows, 0);
    answered(h, 1);
}

void shell_take_index(struct shell *s, struct shell_post *post) {
    struct shell_shipment *h = post->shipment;
    TC_ASSERT(s->shipments_out > 0);
    s->shipments_out--;
    store_index_done(s->store, h->token, h->errs, h->rows->n_rows);
}
