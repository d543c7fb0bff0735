/* SPDX-License-Identifier: MIT */
/* Tests and what they report. A test is named group.name; a check within it that fails prints one line. */
#ifndef RT_CHECK_H
#define RT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
    unsigned cpus; /* needs at least so many vCPUs, 0 = 1 */
    unsigned gic;  /* only on this GIC version, 0 = any */
};

void check_equal(const char *what, uint64_t expected, uint64_t got);
void check_range(const char *what, uint64_t low, uint64_t high, uint64_t got);
void check_true(const char *what, bool condition);

#define CHECK_EQ(what, expected, got) check_equal(what, (uint64_t)(expected), (uint64_t)(got))
#define CHECK_RANGE(what, low, high, got) check_range(what, (uint64_t)(low), (uint64_t)(high), (uint64_t)(got))
#define CHECK(what, condition) check_true(what, condition)
/* As above, and leave the test where going on makes no sense. */
#define REQUIRE(what, condition) \
    do { \
        bool require_ok_ = (condition); \
        check_true(what, require_ok_); \
        if (!require_ok_) \
            return; \
    } while (0)

/* The name of a check made in a loop: "what[n]"; good until the next call. */
const char *check_name(const char *what, uint64_t n);
/* Say that part of a test does not apply here; it is neither passed nor failed. */
void check_skip(const char *why);

/* Each group's tests, ended by a null name. */
extern const struct test tests_entry[], tests_psci[], tests_hypercall[], tests_timer[], tests_vgic_regs[],
    tests_vgic_irq[], tests_vgic_level[], tests_vgic_sgi[], tests_sysreg[], tests_event[], tests_fifo[],
    tests_vcpu[], tests_grant[],
    tests_memory[], tests_sched[], tests_fault[], tests_el0[], tests_state[], tests_switch[], tests_domain[],
    tests_dump[], tests_own[], tests_hostile[], tests_vgic_wreck[], tests_uefi[], tests_its[];

#endif
