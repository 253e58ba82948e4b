#include "process.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = LAYOUT_PATH_BYTES_MAX + 64,
    COMMAND_BYTES = 8192,
};

static void pid_path(const struct layout *l, const struct layout_daemon *d, char *path) {
    snprintf(path, PATH_BYTES, "%s/run/%s.pid", l->data, d->node);
}

/* NUL-separated arguments, one more NUL behind them; 0: no such process. */
static size_t command_line(pid_t pid, char text[COMMAND_BYTES]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    size_t len = fread(text, 1, COMMAND_BYTES - 1, f);
    fclose(f);
    text[len] = '\0';
    return len;
}

/* Our command lines include the daemon's data folder. */
static bool is_ours(pid_t pid, const struct layout *l, const struct layout_daemon *d) {
    char text[COMMAND_BYTES], want[PATH_BYTES];
    snprintf(want, sizeof want, "%s/%s", l->data, d->node);
    size_t len = command_line(pid, text);
    for (size_t at = 0; at < len; at += strlen(text + at) + 1)
        if (strcmp(text + at, want) == 0)
            return true;
    return false;
}

pid_t process_find(const struct layout *l, const struct layout_daemon *d) {
    char path[PATH_BYTES], text[32] = "";
    pid_path(l, d, path);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    char *line = fgets(text, sizeof text, f);
    fclose(f);
    long pid = line ? strtol(text, NULL, 10) : 0;
    if (pid <= 1)
        return 0;
    /* A child of this very process may be a zombie; reap it so that it counts as gone. */
    (void)waitpid((pid_t)pid, NULL, WNOHANG);
    return is_ours((pid_t)pid, l, d) ? (pid_t)pid : 0;
}

bool process_is_current(const struct layout *l, const struct layout_daemon *d) {
    char text[COMMAND_BYTES];
    pid_t pid = process_find(l, d);
    size_t len = pid ? command_line(pid, text) : 0;
    struct layout_args args = {0};
    layout_args(l, d, &args);
    bool same = len == args.text.len && memcmp(text, args.text.data, len) == 0;
    layout_args_deinit(&args);
    return same;
}

static tc_err write_pid(const struct layout *l, const struct layout_daemon *d, pid_t pid) {
    char path[PATH_BYTES];
    pid_path(l, d, path);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return TC_EIO;
    fprintf(f, "%d\n", (int)pid);
    return fclose(f) == 0 ? TC_OK : TC_EIO;
}

static tc_err spawn(const char *log, char *const argv[], pid_t *ret_pid) {
    extern char **environ;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    int rc = posix_spawn(ret_pid, argv[0], &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return rc == 0 ? TC_OK : rc == ENOENT ? TC_ENOTFOUND : TC_EIO;
}

tc_err process_start(const struct layout *l, const struct layout_daemon *d) {
    struct layout_args args = {0};
    layout_args(l, d, &args);
    TC_ASSERT(args.count > 0);
    char *argv[LAYOUT_ARGS_MAX + 1] = {0};
    for (size_t i = 0; i < args.count; i++)
        argv[i] = (char *)(uintptr_t)layout_arg(&args, i);
    char log[PATH_BYTES];
    snprintf(log, sizeof log, "%s/log/%s.log", l->data, d->node);
    pid_t pid = 0;
    tc_err err = spawn(log, argv, &pid);
    if (err == TC_OK)
        err = write_pid(l, d, pid);
    layout_args_deinit(&args);
    return err;
}

tc_err process_signal(const struct layout *l, const struct layout_daemon *d, int sig) {
    pid_t pid = process_find(l, d);
    if (pid == 0 || kill(pid, sig) != 0)
        return TC_ENOTFOUND;
    return TC_OK;
}

tc_err process_wait_gone(const struct layout *l, const struct layout_daemon *d,
                         uint64_t timeout_ms) {
    uint64_t until_ms = process_now_ms() + timeout_ms;
    while (process_find(l, d) != 0) {
        if (process_now_ms() >= until_ms)
            return TC_ETIMEOUT;
        process_sleep_ms(20);
    }
    return TC_OK;
}

static int dial(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct timeval timeout = {.tv_sec = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool process_port_taken(uint16_t port) {
    int fd = dial(port);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool process_http_ok(uint16_t port, const char *path) {
    int fd = dial(port);
    if (fd < 0)
        return false;
    char text[512];
    int len = snprintf(text, sizeof text,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
    bool ok = write(fd, text, (size_t)len) == len;
    ssize_t got = ok ? read(fd, text, sizeof text - 1) : -1;
    close(fd);
    return got >= 12 && memcmp(text + 8, " 200", 4) == 0;
}

void process_sleep_ms(uint64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

uint64_t process_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
