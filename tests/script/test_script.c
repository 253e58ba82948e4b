/* Runs every tests/script/NAME.txt and compares its trace: see README.md there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "sim/core/cluster.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SCRIPTS_MAX = 64,
    WORDS_MAX = 5,
    NAME_MAX_BYTES = 128,
};

struct script {
    struct sim_cluster *cluster;
    struct tc_buf trace;
    bool quiet;
    uint64_t value; /* of the next write, so that all differ */
};

struct words {
    char *at[WORDS_MAX];
    int count;
};

static void take_line(void *user, const char *line) {
    struct script *s = user;
    if (s->quiet && strstr(line, "!!!") == NULL)
        return;
    tc_buf_append_str(&s->trace, line);
    tc_buf_append_u8(&s->trace, '\n');
}

static void run_for(struct script *s, uint64_t ns) {
    uint64_t until = s->cluster->now_ns + ns;
    while (sim_cluster_next(s->cluster, until)) {
    }
}

static uint32_t node_of(const struct words *w, int i) {
    assert_true(i < w->count);
    uint32_t n = (uint32_t)strtoul(w->at[i], NULL, 10);
    assert_true(n >= 1 && n <= SIM_NODES_MAX);
    return n - 1;
}

static uint64_t number_of(const struct words *w, int i) {
    assert_true(i < w->count);
    return strtoull(w->at[i], NULL, 10);
}

static void drop_cluster(struct script *s) {
    if (s->cluster)
        sim_cluster_deinit(s->cluster);
    free(s->cluster);
    s->cluster = NULL;
    paxos_mutant = 0;
}

static void new_cluster(struct script *s, const struct words *w) {
    struct sim_swarm swarm = {.members = (uint32_t)number_of(w, 1)};
    unsigned spare = 0;
    swarm.net.delay_min_ns = swarm.net.delay_max_ns = 10 * SIM_MS;
    swarm.sync_min_ns = swarm.sync_max_ns = 2 * SIM_MS;
    swarm.paxos.lease_ns = 1000 * SIM_MS;
    swarm.paxos.suspect_ns = 500 * SIM_MS;
    swarm.paxos.beat_ns = 150 * SIM_MS;
    unsigned beats = 0;
    drop_cluster(s);
    for (int i = 2; i < w->count; i++)
        assert_true(sscanf(w->at[i], "mutant=%u", &paxos_mutant) == 1 ||
                    sscanf(w->at[i], "spare=%u", &spare) == 1 ||
                    sscanf(w->at[i], "batch=%u", &swarm.paxos.batch_count_max) == 1 ||
                    sscanf(w->at[i], "beats=%u", &beats) == 1);
    swarm.tree_max_ns = 50 * SIM_MS;
    swarm.nodes = swarm.members + spare;
    assert_true(swarm.nodes <= SIM_NODES_MAX);
    swarm.beats = beats != 0;
    s->cluster = calloc(1, sizeof *s->cluster);
    assert_non_null(s->cluster);
    sim_cluster_init(s->cluster, 1, &swarm);
    s->cluster->trace = take_line;
    s->cluster->trace_user = s;
    run_for(s, SIM_MS);
}

/* Everyone but the one node waits; false if it did not get there in 10 s. */
static void elect(struct script *s, uint32_t node, bool candidate_only) {
    struct sim_cluster *c = s->cluster;
    bool before[SIM_NODES_MAX];
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        before[n] = c->nodes[n].patient;
        c->nodes[n].patient = n != node;
    }
    for (int ms = 0; ms < 10000; ms++) {
        struct paxos_status st = sim_node_status(c, node);
        if (st.serving || (candidate_only && st.role == PAXOS_CANDIDATE) || c->failed)
            break;
        run_for(s, SIM_MS);
    }
    for (uint32_t n = 0; n < c->swarm.nodes; n++)
        c->nodes[n].patient = before[n];
}

static void do_write(struct script *s, uint32_t node, const struct words *w) {
    struct sim_cluster *c = s->cluster;
    struct paxos_out out;
    struct tc_blob *b = sim_body((uint32_t)number_of(w, 2), number_of(w, 3), 0);
    struct paxos_proposal item = {
        .type = PAXOS_WRITE, .body = b, .body_crc = tc_crc32c(0, b->data, b->len)};
    struct paxos_event ev = {.type = PAXOS_EV_PROPOSE, .propose = {.items = &item, .count = 1}};
    tc_err err = sim_node_step(c, node, &ev, &out);
    sim_note(c, "write at %u -> %s", node + 1, tc_err_name(err));
    tc_blob_unref(b);
}

static void do_read(struct script *s, uint32_t node, uint64_t key) {
    struct sim_cluster *c = s->cluster;
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_READ};
    uint64_t ballot = sim_node_status(c, node).ballot;
    (void)sim_node_step(c, node, &ev, &out);
    if (out.read_err != TC_OK) {
        sim_note(c, "read at %u -> %s", node + 1, tc_err_name(out.read_err));
        return;
    }
    sim_note(c, "read at %u -> value %lu of version %lu", node + 1,
             (unsigned long)c->nodes[node].state.value[key],
             (unsigned long)c->nodes[node].state.version[key]);
    sim_check_read(c, node, ballot);
}

static void do_rot(struct script *s, uint32_t node, uint64_t index) {
    struct sim_node *n = &s->cluster->nodes[node];
    struct paxos_entry *e = sim_disk_entry(&n->disk, index);
    assert_true(!n->up && e != NULL);
    tc_blob_unref(e->body);
    e->body = NULL;
    e->flags |= PAXOS_FAULTY;
}

static void do_resign(struct script *s, uint32_t node, uint64_t target) {
    struct paxos_out out;
    struct paxos_event ev = {.type = PAXOS_EV_RESIGN, .resign.target = (uint32_t)target};
    tc_err err = sim_node_step(s->cluster, node, &ev, &out);
    sim_note(s->cluster, "resign at %u -> %s", node + 1, tc_err_name(err));
}

static void do_status(struct script *s) {
    struct sim_cluster *c = s->cluster;
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        if (c->nodes[n].rid == 0)
            continue;
        if (!c->nodes[n].up) {
            sim_note(c, "%u is down", c->nodes[n].rid);
            continue;
        }
        struct paxos_status st = sim_node_status(c, n);
        char config[32] = "";
        uint64_t version = paxos_config(c->nodes[n].paxos)->version;
        if (version > 1)
            snprintf(config, sizeof config, " config %lu", (unsigned long)version);
        sim_note(c, "%u %s%s of %u b=%lu.%u log (%lu, %lu] commit %lu applied %lu%s%s",
                 c->nodes[n].rid, paxos_role_name(st.role), st.serving ? ", serves," : "",
                 st.leader, (unsigned long)paxos_ballot_round(st.ballot),
                 paxos_ballot_rid(st.ballot), (unsigned long)st.base.index,
                 (unsigned long)st.last.index, (unsigned long)st.commit, (unsigned long)st.applied,
                 config, st.log_only ? ", log only" : "");
    }
}

/* How long the leader has not heard its peers. */
static void do_silence(struct sim_cluster *c, uint32_t node) {
    struct paxos_peer_status peers[QUORUM_VOTERS_MAX];
    size_t count = paxos_peers(c->nodes[node].paxos, peers, QUORUM_VOTERS_MAX);
    uint64_t now_ns = sim_node_now(c, node);
    for (size_t i = 0; i < count; i++)
        sim_note(c, "%u last heard %u %lu ms ago", c->nodes[node].rid, peers[i].rid,
                 (unsigned long)((now_ns - peers[i].heard_ns) / 1000000));
}

/* All members that hold a B-tree. */
static void expect_same(struct sim_cluster *c) {
    const struct sim_node *first = NULL;
    for (uint32_t n = 0; n < c->swarm.nodes; n++) {
        const struct sim_node *node = &c->nodes[n];
        if (node->disk.log_only || !quorum_may_vote(&c->chosen_config, node->rid))
            continue;
        if (first && node->state.sum != first->state.sum)
            sim_fail(c, "expected %u and %u to be the same", first->rid, node->rid);
        first = node;
    }
}

static void do_expect(struct script *s, const struct words *w) {
    struct sim_cluster *c = s->cluster;
    assert_true(w->count >= 2);
    if (strcmp(w->at[1], "leader") == 0) {
        if (sim_leader(c) != (int)node_of(w, 2))
            sim_fail(c, "expected leader %s, it is %d", w->at[2], sim_leader(c) + 1);
    } else if (strcmp(w->at[1], "applied") == 0) {
        if (c->nodes[node_of(w, 2)].state.applied != number_of(w, 3))
            sim_fail(c, "expected %s to have applied %s", w->at[2], w->at[3]);
    } else if (strcmp(w->at[1], "same") == 0) {
        expect_same(c);
    } else if (strcmp(w->at[1], "role") == 0) {
        assert_true(w->count >= 4);
        const char *role = paxos_role_name(sim_node_status(c, node_of(w, 2)).role);
        if (strcmp(role, w->at[3]) != 0)
            sim_fail(c, "expected %s to be %s, it is %s", w->at[2], w->at[3], role);
    } else if (strcmp(w->at[1], "config") == 0) {
        if (paxos_config(c->nodes[node_of(w, 2)].paxos)->version != number_of(w, 3))
            sim_fail(c, "expected %s to go by configuration %s", w->at[2], w->at[3]);
    } else if (strcmp(w->at[1], "failure") == 0) {
        assert_true(c->failed);
        c->failed = false;
    } else {
        fail_msg("unknown expectation %s", w->at[1]);
    }
}

static bool is(const struct words *w, const char *name) {
    return strcmp(w->at[0], name) == 0;
}

static bool command_on_process(struct script *s, const struct words *w) {
    struct sim_cluster *c = s->cluster;
    if (is(w, "crash"))
        sim_node_crash(c, node_of(w, 1));
    else if (is(w, "start"))
        sim_schedule(c, SIM_EV_START, node_of(w, 1), 0, 0, NULL), run_for(s, 0);
    else if (is(w, "pause"))
        sim_node_pause(c, node_of(w, 1), number_of(w, 2) * SIM_MS);
    else if (is(w, "disk"))
        c->nodes[node_of(w, 1)].stuck_disk = strcmp(w->at[2], "stuck") == 0;
    else if (is(w, "patient"))
        c->nodes[node_of(w, 1)].patient = strcmp(w->at[2], "yes") == 0;
    else if (is(w, "upkeep"))
        sim_node_upkeep(c, node_of(w, 1), w->count > 2 ? number_of(w, 2) : 0, 0);
    else if (is(w, "rot"))
        do_rot(s, node_of(w, 1), number_of(w, 2));
    else
        return false;
    return true;
}

static bool command_on_network(struct script *s, const struct words *w) {
    struct sim_cluster *c = s->cluster;
    if (is(w, "cut"))
        sim_net_cut(&c->net, node_of(w, 1), node_of(w, 2));
    else if (is(w, "isolate"))
        sim_net_isolate(&c->net, node_of(w, 1), c->swarm.nodes, true, true);
    else if (is(w, "heal"))
        sim_net_heal(&c->net);
    else if (is(w, "hold"))
        c->hold[node_of(w, 1)][node_of(w, 2)] = true;
    else if (is(w, "release"))
        sim_release(c, node_of(w, 1), node_of(w, 2));
    else
        return false;
    return true;
}

/* Replicas are named by rid, stores by number; they are the same until one is replaced. */
static bool command_on_members(struct script *s, const struct words *w) {
    struct sim_cluster *c = s->cluster;
    tc_err err = TC_OK;
    if (is(w, "new")) {
        sim_store_create(c, node_of(w, 1)), run_for(s, 0);
        return true;
    }
    if (is(w, "tree")) {
        sim_ship_snapshot(c, node_of(w, 1), node_of(w, 2), /* tree= */ true);
        return true;
    }
    if (is(w, "lose") || is(w, "wipe")) {
        (is(w, "lose") ? sim_store_lose : sim_store_wipe)(c, node_of(w, 1));
        return true;
    }
    if (is(w, "learn"))
        err = sim_admin_learn(c, node_of(w, 1), (uint32_t)number_of(w, 2));
    else if (is(w, "replace"))
        err = sim_admin_replace(c, node_of(w, 1), (uint32_t)number_of(w, 2),
                                (uint32_t)number_of(w, 3),
                                w->count > 4 ? QUORUM_STORAGE : QUORUM_LOG);
    else if (is(w, "upgrade"))
        err = sim_admin_upgrade(c, node_of(w, 1), (uint32_t)number_of(w, 2));
    else
        return false;
    sim_note(c, "%s at %s -> %s", w->at[0], w->at[1], tc_err_name(err));
    return true;
}

static void command(struct script *s, const struct words *w) {
    if (is(w, "nodes"))
        new_cluster(s, w);
    else if (is(w, "elect") || is(w, "campaign"))
        elect(s, node_of(w, 1), is(w, "campaign"));
    else if (is(w, "run"))
        run_for(s, number_of(w, 1) * SIM_MS);
    else if (is(w, "write"))
        do_write(s, node_of(w, 1), w);
    else if (is(w, "read"))
        do_read(s, node_of(w, 1), number_of(w, 2));
    else if (is(w, "resign"))
        do_resign(s, node_of(w, 1), number_of(w, 2));
    else if (is(w, "silence"))
        do_silence(s->cluster, node_of(w, 1));
    else if (is(w, "status"))
        do_status(s);
    else if (is(w, "expect"))
        do_expect(s, w);
    else if (is(w, "quiet") || is(w, "loud"))
        s->quiet = is(w, "quiet");
    else if (!command_on_process(s, w) && !command_on_network(s, w) && !command_on_members(s, w))
        fail_msg("unknown command %s", w->at[0]);
}

static void run_line(struct script *s, char *line) {
    struct words w = {.count = 0};
    char *rest = NULL;
    char *hash = strchr(line, '#');
    if (hash)
        *hash = 0;
    for (char *word = strtok_r(line, " \n", &rest); word && w.count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest))
        w.at[w.count++] = word;
    if (w.count > 0)
        command(s, &w);
}

/* Split the text at "----", run the upper part, and return it with the trace that came out. */
static struct tc_buf run_text(const char *text) {
    struct script s = {0};
    struct tc_buf out = {0};
    const char *end = strstr(text, "\n----\n");
    size_t len = end ? (size_t)(end - text) + 1 : strlen(text);
    tc_buf_append(&out, text, len);
    tc_buf_append_str(&out, "----\n");
    for (const char *at = text; at < text + len;) {
        char line[256];
        const char *stop = strchr(at, '\n');
        size_t count = stop ? (size_t)(stop - at) : strlen(at);
        assert_true(count < sizeof line);
        memcpy(line, at, count);
        line[count] = 0;
        run_line(&s, line);
        at += count + 1;
    }
    if (s.cluster && s.cluster->failed)
        fail_msg("%s", s.cluster->failure);
    tc_buf_append_slice(&out, tc_buf_slice(&s.trace));
    tc_buf_append_u8(&out, 0);
    drop_cluster(&s);
    tc_buf_deinit(&s.trace);
    return out;
}

static struct tc_buf read_file(const char *path) {
    struct tc_buf text = {0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t got;
    do {
        uint8_t *to = tc_buf_reserve(&text, 65536);
        got = fread(to, 1, 65536, f);
        text.len += got;
    } while (got > 0);
    fclose(f);
    tc_buf_append_u8(&text, 0);
    return text;
}

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void print_difference(const char *want, const char *got) {
    size_t at = 0;
    size_t line = 0;
    for (; want[at] && want[at] == got[at]; at++)
        line = want[at] == '\n' ? at + 1 : line;
    print_error("expected: %.*s\n     got: %.*s\n", (int)strcspn(want + line, "\n"), want + line,
                (int)strcspn(got + line, "\n"), got + line);
}

static void test_one(void **state) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/script/%s", TC_SOURCE_DIR, (const char *)*state);
    struct tc_buf want = read_file(path);
    struct tc_buf got = run_text((const char *)want.data);
    bool same = strcmp((const char *)want.data, (const char *)got.data) == 0;
    if (!same && getenv("TERCET_REWRITE")) {
        write_file(path, (const char *)got.data);
        same = true;
    }
    if (!same)
        print_difference((const char *)want.data, (const char *)got.data);
    tc_buf_deinit(&want);
    tc_buf_deinit(&got);
    assert_true(same);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

/* Arguments: names of the only scripts to run; none: all. */
static bool chosen(int argc, char **argv, const char *name) {
    bool found = argc < 2;
    for (int i = 1; i < argc; i++)
        found = found || strcmp(argv[i], name) == 0;
    return found;
}

int main(int argc, char **argv) {
    static char names[SCRIPTS_MAX][NAME_MAX_BYTES];
    static struct CMUnitTest tests[SCRIPTS_MAX];
    size_t count = 0;
    DIR *dir = opendir(TC_SOURCE_DIR "/tests/script");
    TC_ASSERT(dir != NULL);
    for (struct dirent *e; (e = readdir(dir)) != NULL && count < SCRIPTS_MAX;) {
        size_t len = strlen(e->d_name);
        if (len < 5 || e->d_name[0] == 'C' || len >= NAME_MAX_BYTES ||
            strcmp(e->d_name + len - 4, ".txt") != 0 || !chosen(argc, argv, e->d_name))
            continue;
        memcpy(names[count], e->d_name, len + 1);
        tests[count] = (struct CMUnitTest){
            .name = names[count], .test_func = test_one, .initial_state = names[count]};
        count++;
    }
    closedir(dir);
    TC_ASSERT(count > 0);
    qsort(tests, count, sizeof tests[0], by_name);
    return _cmocka_run_group_tests("script", tests, count, NULL, NULL);
}
