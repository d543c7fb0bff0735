/* SPDX-License-Identifier: MIT */
/* Unit tests: what the code under test asked of its surroundings. */
#include <argon/string.h>
#include <asm/host.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct host_record records[HOST_RECORDS];
static u64 nr_records;

static struct { const char *fn; u64 calls; } counts[256];
static u32 nr_counts;

void host_record(const char *fn, u64 a0, u64 a1, u64 a2, u64 a3)
{
    u32 i = 0;

    pthread_mutex_lock(&lock);
    records[nr_records % HOST_RECORDS] = (struct host_record){ fn, { a0, a1, a2, a3 } };
    nr_records++;
    while (i < nr_counts && strcmp(counts[i].fn, fn) != 0) {
        i++;
    }
    if (i == nr_counts && nr_counts < ARRAY_SIZE(counts)) {
        counts[i].fn = fn;
        counts[i].calls = 0;
        nr_counts++;
    }
    if (i < nr_counts) {
        counts[i].calls++;
    }
    pthread_mutex_unlock(&lock);
}

void host_record_reset(void)
{
    nr_records = 0;
    nr_counts = 0;
}

u64 host_calls(const char *fn)
{
    for (u32 i = 0; i < nr_counts; i++) {
        if (strcmp(counts[i].fn, fn) == 0) {
            return counts[i].calls;
        }
    }
    return 0;
}

const struct host_record *host_last(const char *fn)
{
    u64 oldest = nr_records > HOST_RECORDS ? nr_records - HOST_RECORDS : 0;

    for (u64 i = nr_records; i > oldest; i--) {
        if (strcmp(records[(i - 1) % HOST_RECORDS].fn, fn) == 0) {
            return &records[(i - 1) % HOST_RECORDS];
        }
    }
    return NULL;
}
