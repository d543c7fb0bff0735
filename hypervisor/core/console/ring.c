/* SPDX-License-Identifier: MIT */
/*
 * The log ring. Indices are free-running; the ring's size is a power of two, so they wrap with it. [consumer, producer)
 * is what readers see; it is never longer than the ring.
 */
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/string.h>
#include "console_impl.h"

#define EARLY_RING_SIZE 16384u
#define MIN_RING_SIZE   EARLY_RING_SIZE
#define MAX_RING_SIZE   (16u << 20)

static char early_ring[EARLY_RING_SIZE];
static char *ring = early_ring;
static u32 size = EARLY_RING_SIZE;
static u32 producer, consumer;

void ring_put(const char *s, size_t n)
{
    ASSERT(size != 0 && (size & (size - 1)) == 0);
    for (size_t i = 0; i < n; i++) {
        ring[producer++ & (size - 1)] = s[i];
    }
    if (producer - consumer > size) {
        consumer = producer - size;
    }
    ASSERT(producer - consumer <= size);
}

u32 ring_producer(void)
{
    return producer;
}

u32 ring_consumer(void)
{
    return consumer;
}

size_t ring_peek(u32 *from, char *buf, size_t n)
{
    size_t i;

    if (*from - consumer > producer - consumer) {    /* overwritten, or never valid */
        *from = consumer;
    }
    for (i = 0; i < n && *from != producer; i++, ++*from) {
        buf[i] = ring[*from & (size - 1)];
    }
    return i;
}

void ring_resize(u32 bytes)
{
    unsigned int order = 0;
    u32 want = MIN_RING_SIZE;
    char *p;

    while (want < bytes && want < MAX_RING_SIZE) {
        want <<= 1;
    }
    while ((PAGE_SIZE << order) < want) {
        order++;
    }
    if (want <= size) {
        return;
    }
    p = pages_alloc(order, 0);
    if (p == NULL) {
        log_warn("conring_size: no memory for %u KiB, the log stays at %u KiB", want >> 10, size >> 10);
        return;
    }
    console_lock();
    for (u32 i = consumer; i != producer; i++) {
        p[i & (want - 1)] = ring[i & (size - 1)];
    }
    ring = p;
    size = want;
    console_unlock();
}

int console_read_ring(bool clear, bool incremental, u32 *index, u64 buf_gva, u32 *count)
{
    u32 from, end, copied = 0;

    console_lock();
    from = consumer;
    end = producer;
    /* An index outside of what is there starts at the oldest. */
    if (incremental && *index - from <= end - from) {
        from = *index;
    }
    console_unlock();

    /*
     * In pieces: guest memory cannot be touched under the console lock. Lines that come meanwhile are for the next
     * call.
     */
    while (copied < *count && from != end) {
        char piece[256];
        u32 left = MIN(*count - copied, end - from);
        size_t n;
        bool past_end;

        console_lock();
        n = ring_peek(&from, piece, MIN(left, (u32)sizeof(piece)));
        /* What was to be read may have been overwritten meanwhile, up to beyond `end`. */
        past_end = n == 0 || producer - from < producer - end;
        console_unlock();
        if (copy_to_guest(buf_gva + copied, piece, n) != 0) {
            return -EFAULT;
        }
        copied += (u32)n;
        if (past_end) {
            break;
        }
    }
    if (clear) {
        console_lock();
        if (producer - from <= producer - consumer) {
            consumer = from;                         /* what was read and all before it */
        }
        console_unlock();
    }
    *index = from;
    *count = copied;
    return 0;
}
