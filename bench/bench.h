/* SPDX-License-Identifier: MIT */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* Print instructions per round. */
void bench_report(const char *id, uint64_t ticks, uint64_t rounds);
/* A window of bench/io/plugin.c, in which what the hypervisor executes is counted by kind. */
void bench_window_begin(void);
void bench_window_end(const char *id, unsigned rounds);
/* Warm up twice, then time that many rounds. */
void bench_measure(const char *id, void (*once)(void), unsigned rounds);
/* The mean of the middle half of so many rounds: for what a rare event much longer than a round may fall into. */
#define BENCH_MIDDLE_ROUNDS 1000u
void bench_measure_middle(const char *id, void (*once)(void));

/* Acknowledge and end an interrupt without any bookkeeping. */
uint32_t bench_acknowledge(void);
void bench_end(uint32_t iar);

/* The next interrupt, however long it takes. */
uint32_t bench_take(void);

/* Let QEMU go on with another physical CPU; see pcpus.c. */
static inline void bench_turn(void) { asm volatile("yield" : : : "memory"); }

/* Number after "key=" in the command line, or otherwise. */
uint64_t bench_option(const char *key, uint64_t otherwise);

void bench_more(void);
void bench_first_touch(void);
void bench_rtc_raise(void);
void bench_rtc_quiet(void);
/* From acknowledge to end of an interrupt that is signalled already. */
void bench_complete_timer(void);
void bench_complete_device(void);


#define ONE_PAGE_KIB 4u
/* Rows with a guest of that size, which is made and destroyed. */
void bench_domain(uint64_t kib);
/* Guests of that size that sleep from now on. The rows below are about the last one. */
bool bench_idle_domains(unsigned n, uint64_t kib);
void bench_event_domains(const char *id);
void bench_foreign_map(void);
/* A guest on physical CPU 1. */
void bench_domain_elsewhere(void);

/* Have n vCPUs: start those from the third one on and let them sleep for good. */
bool bench_idle_vcpus(unsigned n);
unsigned bench_online(void);
bool bench_start_second(void);
/* Rows that need a second vCPU: on the same physical CPU, and on another one. */
void bench_two_vcpus(void);
void bench_ping_pong(void);
void bench_ping_pong_pcpus(void);
void bench_cpu_on(void);
void bench_two_pcpus(void);

/* In a virtual machine of KVM: where to print, before anything is printed. */
void bench_kvm_console(void);
/* QEMU resets KVM's interrupts to group 0, which ICC_IAR1_EL1 does not show: SGIs and PPIs of that vCPU to group 1. */
void bench_kvm_groups(unsigned cpu);
void bench_off(void) __attribute__((noreturn));

#endif
