/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* Print instructions per round. */
void bench_report(const char *id, uint64_t ticks, uint64_t rounds);
/* Warm up twice, then time that many rounds. */
void bench_measure(const char *id, void (*once)(void), unsigned rounds);

/* Acknowledge and end an interrupt without any bookkeeping. */
uint32_t bench_acknowledge(void);
void bench_end(uint32_t iar);

void bench_more(void);
/* Rows with a guest of that size. */
void bench_domain(uint64_t mib);
/* Rows that need a second vCPU. */
void bench_two_vcpus(void);

#endif
