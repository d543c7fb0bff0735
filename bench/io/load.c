/* SPDX-License-Identifier: MIT */
/*
 * The load of the I/O benchmark, run in dom0 and in a guest: one operation over and over, with a window of plugin.c
 * around all but the first rounds.
 *
 *   load read  ID DEVICE BLOCK WARM COUNT   blocks in order, O_DIRECT
 *   load cread ID DEVICE BLOCK WARM COUNT   blocks in order, by way of the page cache
 *   load rread ID DEVICE BLOCK WARM COUNT   blocks at random
 *   load write ID DEVICE BLOCK WARM COUNT   blocks in order
 *   load send  ADDRESS PORT BYTES           a TCP stream; waits for the other end to listen
 *   load recv  ID PORT WARM BYTES           accepts one, and reads WARM + BYTES of it and then to its end
 *   load ping  ID ADDRESS WARM COUNT        ICMP echo of 56 bytes, the next as soon as the answer is there
 *
 * Prints "load ID UNITS", the blocks, bytes or round trips within the window.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARKS  32    /* windows */
#define CHUNK  65536 /* bytes for one call on a TCP socket */
#define DEVICE_BYTES (64u << 20) /* of a device that are used */
#define SOCKET (1u << 20) /* bytes a socket may hold */

/* Two marks a window, each a function of two instructions. */
extern char load_marks[];
__asm__(".pushsection .text\n"
        ".balign 8\n"
        "load_marks: .set mark, 0\n"
        ".rept 2 * 32\n"
        "movz xzr, #0xa000 + mark\n"
        "ret\n"
        ".set mark, mark + 1\n"
        ".endr\n"
        ".popsection\n");

#define BUFFER (1u << 20)

static char *buffer;

/*
 * A huge page where there is one: which pages are neighbours in memory otherwise depends on how the machine came up,
 * and with it the number of segments of a transfer.
 */
static void buffer_make(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;

    buffer = mmap(NULL, 2 * BUFFER, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
    if (buffer == MAP_FAILED) {
        buffer = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, flags, -1, 0);
    }
    if (buffer == MAP_FAILED) {
        err(1, "mmap");
    }
}

static void mark(unsigned int id, unsigned int end)
{
    void (*function)(void);
    uintptr_t address = (uintptr_t)load_marks + 8 * (2 * id + end);

    if (id >= MARKS) {
        errx(1, "no window %u", id);
    }
    memcpy(&function, &address, sizeof(function));
    function();
}

static unsigned int number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 0);

    if (*end || end == text || value > UINT32_MAX) {
        errx(1, "not a number: %s", text);
    }
    return (unsigned int)value;
}

static void report(unsigned int id, unsigned int units)
{
    printf("load %u %u\n", id, units);
    fflush(stdout);
}

static int disk(const char *what, char **arg)
{
    unsigned int id = number(arg[0]), block = number(arg[2]), warm = number(arg[3]), count = number(arg[4]);
    int writes = !strcmp(what, "write"), random = !strcmp(what, "rread");
    int direct = strcmp(what, "cread") ? O_DIRECT : 0;
    int fd = open(arg[1], direct | (writes ? O_WRONLY : O_RDONLY));
    unsigned int seed = 1;

    if (fd < 0) {
        err(1, "%s", arg[1]);
    }
    if (block > BUFFER) {
        errx(1, "blocks are up to %u bytes", BUFFER);
    }
    memset(buffer, 0x5a, BUFFER);
    for (unsigned int i = 0; i < warm + count; i++) {
        unsigned int index = i;
        ssize_t done;

        if (random) {
            seed = seed * 1664525 + 1013904223;
            index = seed >> 8;
        }
        if (i == warm) {
            mark(id, 0);
        }
        index %= DEVICE_BYTES / block;
        done = writes ? pwrite(fd, buffer, block, (off_t)index * block)
                      : pread(fd, buffer, block, (off_t)index * block);
        if (done != (ssize_t)block) {
            err(1, "%s at block %u", arg[1], index);
        }
    }
    mark(id, 1);
    report(id, count);
    return 0;
}

static struct sockaddr_in address_of(const char *text, unsigned int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

    if (!inet_aton(text, &address.sin_addr)) {
        errx(1, "not an address: %s", text);
    }
    return address;
}

/*
 * A window is opened and closed by the receiver, but holds the sender's work too. With buffers that Linux lets grow to
 * megabytes, the sender would be ahead by more at the end of the window than at its start: up to a tenth of the work
 * would be for bytes not counted.
 */
static void buffer_fix(int fd, int option)
{
    int bytes = SOCKET;

    if (setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof(bytes))) {
        err(1, "socket buffer");
    }
}

static int tcp_send(char **arg)
{
    struct sockaddr_in to = address_of(arg[0], number(arg[1]));
    unsigned int left = number(arg[2]);
    int fd;

    for (;;) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        buffer_fix(fd, SO_SNDBUFFORCE);
        if (!connect(fd, (struct sockaddr *)&to, sizeof(to))) {
            break;
        }
        close(fd);
        usleep(20000);
    }
    while (left) {
        ssize_t done = write(fd, buffer, left < CHUNK ? left : CHUNK);

        if (done <= 0) {
            err(1, "write");
        }
        left -= (unsigned int)done;
    }
    close(fd);
    return 0;
}

static int tcp_recv(char **arg)
{
    unsigned int id = number(arg[0]), warm = number(arg[2]), bytes = number(arg[3]), got = 0, first = 0;
    struct sockaddr_in from = address_of("0.0.0.0", number(arg[1]));
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, fd;
    ssize_t done;

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    buffer_fix(listener, SO_RCVBUFFORCE);
    if (bind(listener, (struct sockaddr *)&from, sizeof(from)) || listen(listener, 1)) {
        err(1, "listen");
    }
    fd = accept(listener, NULL, NULL);
    while ((done = read(fd, buffer, CHUNK)) > 0) {
        unsigned int before = got;

        got += (unsigned int)done;
        if (before < warm && got >= warm) {
            first = got;
            mark(id, 0);
        }
        if (before < warm + bytes && got >= warm + bytes) {
            mark(id, 1);
            report(id, got - first);
        }
    }
    return done < 0 || got < warm + bytes;
}

static uint16_t checksum(const void *data, size_t length)
{
    const uint8_t *byte = data;
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)(byte[i] | byte[i + 1] << 8);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~(sum + (sum >> 16));
}

static void ping_once(int fd, unsigned int round)
{
    struct {
        struct icmphdr header;
        uint8_t data[56];
    } packet = {
        .header = { .type = ICMP_ECHO, .un.echo = { .id = htons(0x10ad), .sequence = htons((uint16_t)round) } },
    };
    struct {
        struct iphdr ip;
        struct icmphdr header;
        uint8_t data[128];
    } answer;

    packet.header.checksum = checksum(&packet, sizeof(packet));
    if (send(fd, &packet, sizeof(packet), 0) != sizeof(packet)) {
        err(1, "send");
    }
    do {
        if (recv(fd, &answer, sizeof(answer), 0) < 0) {
            err(1, "ping %u", round);
        }
    } while (answer.header.type != ICMP_ECHOREPLY || answer.header.un.echo.sequence != packet.header.un.echo.sequence);
}

static int ping(char **arg)
{
    unsigned int id = number(arg[0]), warm = number(arg[2]), count = number(arg[3]);
    struct sockaddr_in to = address_of(arg[1], 0);
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    struct timeval limit = { .tv_sec = 5 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
        err(1, "%s", arg[1]);
    }
    for (unsigned int i = 0; i < warm + count; i++) {
        if (i == warm) {
            mark(id, 0);
        }
        ping_once(fd, i);
    }
    mark(id, 1);
    report(id, count);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    buffer_make();
    if (argc == 7 && (!strcmp(what, "read") || !strcmp(what, "cread") || !strcmp(what, "rread") ||
                      !strcmp(what, "write"))) {
        return disk(what, argv + 2);
    }
    if (argc == 5 && !strcmp(what, "send")) {
        return tcp_send(argv + 2);
    }
    if (argc == 6 && !strcmp(what, "recv")) {
        return tcp_recv(argv + 2);
    }
    if (argc == 6 && !strcmp(what, "ping")) {
        return ping(argv + 2);
    }
    errx(2, "usage: see load.c");
}
