/* SPDX-License-Identifier: MIT */
/*
 * create LOG TEXT COMMAND...: run a command, and wait for its end and until the file LOG, which exists, holds TEXT.
 * Prints "create: COMMAND's TEXT's", each in ticks of the counter from just before the command was started.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 120000

static uint64_t counter(void)
{
    uint64_t ticks;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

static int holds(const char *path, const char *text)
{
    static char buffer[1u << 16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

    if (got < 0) {
        err(1, "%s", path);
    }
    close(fd);
    return memmem(buffer, (size_t)got, text, strlen(text)) != NULL;
}

static pid_t start(char **command)
{
    pid_t child = fork();

    if (child < 0) {
        err(1, "fork");
    }
    if (child == 0) {
        execvp(command[0], command);
        err(1, "%s", command[0]);
    }
    return child;
}

/* What happened, read away. */
static void drain(int fd)
{
    char events[4096];

    if (read(fd, events, sizeof(events)) < 0) {
        err(1, "inotify");
    }
}

int main(int argc, char **argv)
{
    uint64_t begin, ended = 0, seen = 0;
    struct pollfd fds[2];
    int status = 0;
    pid_t child;

    if (argc < 4) {
        errx(2, "usage: create LOG TEXT COMMAND...");
    }
    fds[0] = (struct pollfd){ .fd = inotify_init1(IN_CLOEXEC), .events = POLLIN };
    if (fds[0].fd < 0 || inotify_add_watch(fds[0].fd, argv[1], IN_MODIFY) < 0) {
        err(1, "%s", argv[1]);
    }
    begin = counter();
    child = start(argv + 3);
    fds[1] = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
    while (ended == 0 || seen == 0) {
        if (poll(fds, 2, PATIENCE_MS) <= 0) {
            errx(1, "waited too long");
        }
        if (ended == 0 && fds[1].revents != 0) {
            ended = counter();
            waitpid(child, &status, 0);
            fds[1].fd = -1;
        }
        if (fds[0].revents != 0) {
            drain(fds[0].fd);
            seen = seen == 0 && holds(argv[1], argv[2]) ? counter() : seen;
        }
        if (status != 0) {
            errx(1, "%s failed", argv[3]);
        }
    }
    printf("create: %llu %llu\n", (unsigned long long)(ended - begin), (unsigned long long)(seen - begin));
    return 0;
}
