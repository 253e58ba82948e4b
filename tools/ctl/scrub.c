/* `tercet scrub`: compare every copy of every group with the others and with the archive, now. */
#include "cluster.h"
#include "ctl.h"
#include "json.h"
#include "scrub_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *state_name(Tercet__Pb__ScrubState s) {
    return s == TERCET__PB__SCRUB_STATE__SCRUB_CLEAN     ? "clean"
           : s == TERCET__PB__SCRUB_STATE__SCRUB_DAMAGED ? "DAMAGED"
                                                         : "not run";
}

static void print_hex(ProtobufCBinaryData b) {
    for (size_t i = 0; i < b.len; i++)
        printf("%02x", b.data[i]);
}

static void print_finding(const Tercet__Pb__ScrubFinding *f) {
    printf("        %s: %s", f->copy, f->what);
    if (f->is_range || f->key.len) {
        printf(f->is_range ? " [keys " : " [key ");
        print_hex(f->key);
        if (f->is_range) {
            printf(" to ");
            print_hex(f->end);
        }
        printf("]");
    }
    printf("\n");
}

static void print_group(const Tercet__Pb__ScrubGroup *g) {
    printf("group %" PRIu64 " (table %" PRIu64 ")  index %" PRIu64 "  items %" PRIu64
           "  pages %" PRIu64 "  archived to %" PRIu64 "\n",
           g->gid, g->table_id, g->index, g->items, g->pages, g->archive_index);
    for (size_t i = 0; i < g->n_checks; i++) {
        const Tercet__Pb__ScrubCheck *c = g->checks[i];
        printf("    %-10s %-8s %s\n", c->name, state_name(c->state), c->why);
        for (size_t k = 0; k < g->n_findings; k++)
            if (strcmp(g->findings[k]->check, c->name) == 0)
                print_finding(g->findings[k]);
    }
}

static void print_json_checks(const Tercet__Pb__ScrubGroup *g) {
    for (size_t i = 0; i < g->n_checks; i++) {
        printf("%s{\"check\":\"%s\",\"state\":\"%s\",\"why\":", i ? "," : "", g->checks[i]->name,
               state_name(g->checks[i]->state));
        json_text(g->checks[i]->why);
        printf("}");
    }
}

static void print_json_place(const Tercet__Pb__ScrubFinding *f) {
    printf(",\"page\":%" PRIu64 ",\"is_range\":%s,\"key\":\"", f->page,
           f->is_range ? "true" : "false");
    print_hex(f->key);
    printf("\",\"end\":\"");
    print_hex(f->end);
    printf("\"");
}

static void print_json(const Tercet__Pb__ScrubGroup *g, bool first) {
    printf("%s\n {\"gid\":%" PRIu64 ",\"table_id\":%" PRIu64 ",\"index\":%" PRIu64
           ",\"archive_index\":%" PRIu64 ",\"items\":%" PRIu64 ",\"pages\":%" PRIu64
           ",\"checks\":[",
           first ? "" : ",", g->gid, g->table_id, g->index, g->archive_index, g->items, g->pages);
    print_json_checks(g);
    printf("],\"findings\":[");
    for (size_t i = 0; i < g->n_findings; i++) {
        const Tercet__Pb__ScrubFinding *f = g->findings[i];
        printf("%s{\"check\":\"%s\",\"copy\":", i ? "," : "", f->check);
        json_text(f->copy);
        printf(",\"what\":");
        json_text(f->what);
        print_json_place(f);
        printf("}");
    }
    printf("]}");
}

/* 0: every check of every group clean; 1: damage, or a check did not run. */
static int print_reply(const struct cluster *c, const Tercet__Pb__ScrubRunReply *r) {
    bool clean = r->n_groups > 0 && r->problem[0] == 0;
    for (size_t i = 0; i < r->n_groups; i++) {
        for (size_t k = 0; k < r->groups[i]->n_checks; k++)
            clean &= r->groups[i]->checks[k]->state == TERCET__PB__SCRUB_STATE__SCRUB_CLEAN;
        if (c->json)
            print_json(r->groups[i], i == 0);
        else
            print_group(r->groups[i]);
    }
    if (r->problem[0])
        fprintf(stderr,
                "tercet: the scrub is incomplete: %s; start what is silent (`tercet nodes`), then "
                "scrub again\n",
                r->problem);
    else if (r->n_groups == 0)
        fprintf(stderr, "tercet: no such group; `tercet partitions` lists them\n");
    return clean ? 0 : 1;
}

static int run(const struct cluster *c, uint64_t gid) {
    struct tc_buf answer = {0};
    tc_err err = scrub_wait(c, gid, &answer);
    Tercet__Pb__ScrubRunReply *reply =
        err == TC_OK ? tercet__pb__scrub_run_reply__unpack(NULL, answer.len, answer.data) : NULL;
    int code = 1;
    if (reply) {
        printf("%s", c->json ? "[" : "");
        code = print_reply(c, reply);
        printf("%s", c->json ? "\n]\n" : "");
        fflush(stdout);
        scrub_advise(reply);
        tercet__pb__scrub_run_reply__free_unpacked(reply, NULL);
    } else {
        fprintf(stderr,
                "tercet: the scrubber at %s: %s; is it there (`tercet local ps`, or --scrubber "
                "HOST:PORT)?\n",
                c->scrubber, tc_err_text(err == TC_OK ? TC_ECORRUPT : err));
    }
    tc_buf_deinit(&answer);
    return code;
}

static void usage(FILE *out) {
    fprintf(out,
            "usage: tercet scrub [options]   compare all copies with each other and the archive\n"
            "  --group N         only this group\n%s"
            "What it waits for is told meanwhile on the standard error output.\n"
            "Exit status: 0 all checks clean; 1 damage found, or a check could not run.\n",
            cluster_help);
}

int ctl_scrub(int argc, char **argv) {
    struct cluster c;
    const char *gid = "0";
    if (ctl_help_asked(argc, argv)) {
        usage(stdout);
        return 0;
    }
    if (!cluster_open(&c, &argc, argv))
        return 1;
    int i = 0;
    while (i < argc && ctl_option(argc, argv, &i, "--group", &gid))
        i++;
    char *end = NULL;
    uint64_t number = strtoull(gid, &end, 10);
    int code = 2;
    if (i < argc || end == gid || *end)
        usage(stderr);
    else if (c.scrubber[0] == 0)
        fprintf(stderr, "tercet: where is the scrubber? --scrubber HOST:PORT\n");
    else
        code = run(&c, number);
    cluster_close(&c);
    return code;
}
