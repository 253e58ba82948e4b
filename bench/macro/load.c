/* A closed-loop load generator on one thread: N keep-alive connections, each with one signed
 * request outstanding. Prints one JSON line: rate, latency percentiles in microseconds, its own
 * CPU.
 *
 * Usage: bench_load --host 127.0.0.1:8000[,HOST:PORT] --table T
 *                   --op put|get|get-eventual|query|mixed [--connections 64] [--seconds 5]
 *                   [--keys 100000] [--bytes 900] [--sequential] [--ranged] [--rate N]
 *                   [--timeline FILE]
 * --ranged: the table has a sort key "sk" (N) and ten items to each "pk"; query reads all ten.
 * --rate: at most so many requests a second over all connections; a slot in which every connection
 * waits for its answer is lost. --timeline: one line per answer: wall clock in ms when it was sent,
 * latency in us, 1 for an answer of 200 or 0.
 */
#include "request.h"

#include "base/assert.h"
#include "base/prng.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 1024,
    HOSTS_MAX = 8,
    RESPONSE_BYTES_MAX = 512 * 1024,
    SAMPLES_MAX = 8 * 1024 * 1024,
};

struct connection {
    int fd;
    int host;
    uint64_t sent_ns;
    uint64_t sent_wall_ms;
    bool idle; /* waits for its turn, with --rate */
    struct tc_buf in;
};

static struct {
    char hosts[HOSTS_MAX][64];
    int host_count;
    const char *table;
    const char *op;
    uint32_t connections;
    uint32_t seconds;
    uint32_t bytes;
    uint64_t keys;
    uint64_t rate; /* 0: as fast as it goes */
    FILE *timeline;
    int sequential;
    int ranged;
} opt = {
    .table = "bench", .op = "get", .connections = 64, .seconds = 5, .bytes = 900, .keys = 100000};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t *samples_us;
static size_t sample_count, error_count;
static uint64_t next_key;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum request_op pick_op(struct tc_prng *p) {
    if (strcmp(opt.op, "put") == 0)
        return REQUEST_PUT;
    if (strcmp(opt.op, "get-eventual") == 0)
        return REQUEST_GET_EVENTUAL;
    if (strcmp(opt.op, "query") == 0)
        return REQUEST_QUERY;
    if (strcmp(opt.op, "mixed") == 0)
        return tc_prng_chance(p, 1, 2) ? REQUEST_PUT : REQUEST_GET;
    return REQUEST_GET;
}

static void send_next(struct connection *c, struct sigv4 *signer, struct tc_prng *p) {
    static struct tc_buf out;
    tc_buf_clear(&out);
    struct request_shape shape = {opt.hosts[c->host], opt.table, opt.bytes, opt.ranged};
    uint64_t key = opt.sequential ? next_key++ % opt.keys : tc_prng_below(p, opt.keys);
    request_append(&out, signer, &shape, pick_op(p), key, (uint64_t)time(NULL));
    c->sent_ns = now_ns();
    c->sent_wall_ms = wall_ms();
    for (size_t at = 0; at < out.len;) {
        ssize_t n = send(c->fd, out.data + at, out.len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            perror("bench_load: send");
            exit(1);
        }
        at += (size_t)n;
    }
}

/* Length of the whole response once its head is there; 0: more bytes are needed. */
static size_t response_len(const struct tc_buf *in) {
    const char *text = (const char *)in->data;
    const char *end = memmem(text, in->len, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    const char *at = memmem(text, (size_t)(end - text), "ontent-", 7);
    while (at && strncasecmp(at, "ontent-Length:", 14) != 0)
        at = memmem(at + 1, (size_t)(end - at - 1), "ontent-", 7);
    size_t body = at ? strtoul(at + 14, NULL, 10) : 0;
    return (size_t)(end - text) + 4 + body;
}

static void finish(struct connection *c) {
    uint64_t us = (now_ns() - c->sent_ns) / 1000;
    bool ok = memcmp(c->in.data, "HTTP/1.1 200", 12) == 0;
    if (opt.timeline)
        fprintf(opt.timeline, "%llu %llu %d\n", (unsigned long long)c->sent_wall_ms,
                (unsigned long long)us, ok);
    if (!ok) {
        if (error_count++ == 0)
            fprintf(stderr, "first error: %.*s\n", (int)c->in.len, (const char *)c->in.data);
    } else if (sample_count < SAMPLES_MAX) {
        samples_us[sample_count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    }
    tc_buf_clear(&c->in);
}

static bool receive(struct connection *c) {
    uint8_t *at = tc_buf_reserve(&c->in, 16384);
    ssize_t n = recv(c->fd, at, 16384, 0);
    if (n <= 0) {
        fprintf(stderr, "bench_load: the server closed a connection\n");
        exit(1);
    }
    c->in.len += (size_t)n;
    TC_ASSERT(c->in.len < RESPONSE_BYTES_MAX);
    size_t len = response_len(&c->in);
    if (len == 0 || c->in.len < len)
        return false;
    finish(c);
    return true;
}

static int dial(const char *host) {
    char ip[64];
    snprintf(ip, sizeof ip, "%s", host);
    char *colon = strchr(ip, ':');
    TC_ASSERT(colon != NULL);
    *colon = '\0';
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    inet_pton(AF_INET, ip, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("bench_load: connect");
        exit(1);
    }
    return fd;
}

static void parse_hosts(const char *list) {
    while (*list && opt.host_count < HOSTS_MAX) {
        size_t len = strcspn(list, ",");
        snprintf(opt.hosts[opt.host_count++], 64, "%.*s", (int)len, list);
        list += len + (list[len] == ',');
    }
}

static bool parse_flag(const char *name) {
    if (strcmp(name, "--sequential") == 0)
        opt.sequential = 1;
    else if (strcmp(name, "--ranged") == 0)
        opt.ranged = 1;
    else
        return false;
    return true;
}

static void parse(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (parse_flag(name) || i + 1 == argc)
            continue;
        const char *value = argv[++i];
        if (strcmp(name, "--host") == 0)
            parse_hosts(value);
        else if (strcmp(name, "--table") == 0)
            opt.table = value;
        else if (strcmp(name, "--op") == 0)
            opt.op = value;
        else if (strcmp(name, "--connections") == 0)
            opt.connections = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--seconds") == 0)
            opt.seconds = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--bytes") == 0)
            opt.bytes = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(name, "--keys") == 0)
            opt.keys = strtoull(value, NULL, 10);
        else if (strcmp(name, "--rate") == 0)
            opt.rate = strtoull(value, NULL, 10);
        else if (strcmp(name, "--timeline") == 0)
            opt.timeline = fopen(value, "w");
    }
    if (opt.host_count == 0 || opt.connections == 0 || opt.connections > CONNECTIONS_MAX) {
        fprintf(stderr,
                "usage: bench_load --host HOST:PORT[,..] --table T --op put|get|get-eventual|"
                "query|mixed [--connections N] [--seconds N] [--keys N] [--bytes N]"
                " [--sequential] [--ranged] [--rate N] [--timeline FILE]\n");
        exit(2);
    }
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_result(double seconds) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(samples_us, sample_count, sizeof *samples_us, by_value);
    size_t n = sample_count ? sample_count : 1;
    printf("{\"op\":\"%s\",\"connections\":%u,\"seconds\":%.2f,\"requests\":%zu,\"errors\":%zu,"
           "\"rate\":%.0f,\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"client_us_per_op\":%.2f}\n",
           opt.op, opt.connections, seconds, sample_count, error_count,
           (double)sample_count / seconds, samples_us[n / 2], samples_us[n * 99 / 100],
           samples_us[n * 999 / 1000], cpu * 1e6 / (double)n);
}

/* With --rate: who is idle sends, one request per slot; slots that nobody could use are lost. */
static void send_due(struct sigv4 *signer, struct tc_prng *p, uint64_t *next_ns) {
    uint64_t slot_ns = 1000000000u / opt.rate;
    for (uint32_t i = 0; i < opt.connections && *next_ns <= now_ns(); i++) {
        if (!connections[i].idle)
            continue;
        connections[i].idle = false;
        send_next(&connections[i], signer, p);
        *next_ns += slot_ns;
    }
    if (*next_ns <= now_ns())
        *next_ns = now_ns() + slot_ns;
}

static void serve(int poll, struct sigv4 *signer, struct tc_prng *p) {
    uint64_t started = now_ns(), end = started + (uint64_t)opt.seconds * 1000000000u;
    uint64_t next_ns = started;
    while (now_ns() < end && (!opt.sequential || sample_count + error_count < opt.keys)) {
        struct epoll_event events[256];
        int n = epoll_wait(poll, events, 256, opt.rate ? 1 : 100);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (!receive(c))
                continue;
            c->idle = opt.rate > 0;
            if (!c->idle)
                send_next(c, signer, p);
        }
        if (opt.rate)
            send_due(signer, p, &next_ns);
    }
    print_result((double)(now_ns() - started) / 1e9);
}

int main(int argc, char **argv) {
    parse(argc, argv);
    samples_us = calloc(SAMPLES_MAX, sizeof *samples_us);
    TC_ASSERT(samples_us != NULL);
    struct sigv4 *signer = sigv4_new();
    struct tc_prng p = tc_prng(now_ns());
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < opt.connections; i++) {
        struct connection *c = &connections[i];
        c->host = (int)(i % (uint32_t)opt.host_count);
        c->fd = dial(opt.hosts[c->host]);
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &ev);
        c->idle = opt.rate > 0;
        if (!c->idle)
            send_next(c, signer, &p);
    }
    serve(poll, signer, &p);
    if (opt.timeline)
        fclose(opt.timeline);
    sigv4_free(signer);
    return error_count > sample_count / 100 ? 1 : 0;
}
