/* SPDX-License-Identifier: MIT */
/* Real threads that play CPUs, for what is to be seen under ThreadSanitizer. */
#include "unit.h"
#include "support.h"

static struct {
    pthread_t id;
    void (*fn)(void);
} threads[NR_CPUS];

static void *play(void *arg)
{
    u32 cpu = (u32)(uintptr_t)arg;

    unit_set_cpu(cpu);
    threads[cpu].fn();
    return NULL;
}

void unit_thread_start(u32 cpu, void (*fn)(void))
{
    threads[cpu].fn = fn;
    assert_int_equal(pthread_create(&threads[cpu].id, NULL, play, (void *)(uintptr_t)cpu), 0);
}

void unit_thread_join(u32 cpu)
{
    assert_int_equal(pthread_join(threads[cpu].id, NULL), 0);
}
