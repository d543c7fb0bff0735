/* SPDX-License-Identifier: MIT */
#ifndef RT_SYSREG_H
#define RT_SYSREG_H

#include <stdint.h>

#define SYSREG_TEXT(reg) #reg
#define sysreg_read(reg) ({                                                             \
    uint64_t sysreg_in_;                                                                \
    asm volatile("mrs %0, " SYSREG_TEXT(reg) : "=r"(sysreg_in_) : : "memory");          \
    sysreg_in_; })
#define sysreg_write(reg, val) ({                                                       \
    uint64_t sysreg_out_ = (uint64_t)(val);                                             \
    asm volatile("msr " SYSREG_TEXT(reg) ", %0" : : "r"(sysreg_out_) : "memory"); })

static inline void isb(void) { asm volatile("isb" : : : "memory"); }
static inline void dsb(void) { asm volatile("dsb sy" : : : "memory"); }
static inline void dmb(void) { asm volatile("dmb ish" : : : "memory"); }
static inline void wfi(void) { asm volatile("dsb sy\n\twfi" : : : "memory"); }
static inline void wfe(void) { asm volatile("wfe" : : : "memory"); }
static inline void sev(void) { asm volatile("dsb ish\n\tsev" : : : "memory"); }
static inline void irq_enable(void) { asm volatile("msr daifclr, #2\n\tisb" : : : "memory"); }
static inline void irq_disable(void) { asm volatile("msr daifset, #2" : : : "memory"); }

/* Plain LDR/STR of one register without write-back, so that a trap carries a valid instruction syndrome. */
static inline uint32_t mmio_read32(uintptr_t a)
{
    uint32_t v;

    asm volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline uint64_t mmio_read64(uintptr_t a)
{
    uint64_t v;

    asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline uint32_t mmio_read16(uintptr_t a)
{
    uint32_t v;

    asm volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline uint32_t mmio_read8(uintptr_t a)
{
    uint32_t v;

    asm volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
    return v;
}

static inline void mmio_write32(uintptr_t a, uint32_t v)
{
    asm volatile("str %w0, [%1]" : : "rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write64(uintptr_t a, uint64_t v)
{
    asm volatile("str %x0, [%1]" : : "rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write16(uintptr_t a, uint32_t v)
{
    asm volatile("strh %w0, [%1]" : : "rZ"(v), "r"(a) : "memory");
}

static inline void mmio_write8(uintptr_t a, uint32_t v)
{
    asm volatile("strb %w0, [%1]" : : "rZ"(v), "r"(a) : "memory");
}

#endif
