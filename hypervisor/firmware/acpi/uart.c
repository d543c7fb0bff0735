/* SPDX-License-Identifier: MIT */
/*
 * The console's UART: SPCR (Microsoft, Serial Port Console Redirection Table) and, where that has none that can be
 * used, DBG2 (Debug Port Table 2). Both have the same kinds and say where it is with ACPI's generic address (6.5,
 * 5.2.3.2).
 */
#include <argon/console.h>
#include <argon/string.h>
#include "parse.h"

#define SPCR_TYPE     36
#define SPCR_ADDRESS  40
#define SPCR_IRQ_TYPE 52
#define SPCR_GSIV     54
#define SPCR_BAUD     58
#define SPCR_CLOCK    76         /* from revision 3 on */
#define SPCR_BAUD_RATE 80        /* in full, from revision 4 on; 0: see SPCR_BAUD */
#define SPCR_MIN      80
#define SPCR_IRQ_GIC  BIT32(3)

#define DBG2_OFFSET  36
#define DBG2_COUNT   40
#define DBG2_MIN     44
#define DEVICE_MIN   22
#define DEVICE_SERIAL 0x8000

/* Generic address: space, bits of a register, first bit, access, address. */
#define ADDRESS_SIZE   12
#define ADDRESS_MEMORY 0
#define ADDRESS_IO     1
#define ACCESS_WORD    2
#define ACCESS_DWORD   3

#define UART_SIZE KIB(4)         /* of PL011 (DDI 0183) and SBSA's; what is mapped of another is a page, too */

/* Kinds by their number in both tables, and what the drivers call them. */
static const struct { u16 kind; const char *what, *compatible; } kinds[] = {
    { 0x00, "16550", "ns16550a" }, { 0x01, "16550 subset", "ns16550a" }, { 0x03, "PL011", "arm,pl011" },
    { 0x0d, "SBSA UART with 32-bit accesses", "arm,sbsa-uart" }, { 0x0e, "SBSA UART", "arm,sbsa-uart" },
    { 0x12, "16550 as its address says", "ns16550a" },
};

/* The distance of a 16550's registers, and how they are accessed. */
static boot_code void set_registers(struct machine_uart *u, u8 bits, u8 access)
{
    u->reg_width = access == ACCESS_DWORD ? 4 : access == ACCESS_WORD ? 2 : 1;
    u->reg_shift = bits >= 32 || access == ACCESS_DWORD ? 2 : bits >= 16 || access == ACCESS_WORD ? 1 : 0;
}

/* X-Gene boards of which the SPCR says 8 bits where the UART needs 32 (Linux knows them by the same names). */
static boot_code bool is_xgene(const struct acpi_view *v)
{
    return acpi_is_of(v, "APMC0D", "XGENESPC", 0) || acpi_is_of(v, "HPE   ", "ProLiant", 1);
}

/* A UART of that kind at the generic address at `off`. -ENODEV, after a message: none that can be used. */
static boot_code int read_uart(struct acpi_view *v, u32 kind, u32 off, struct machine_uart *u)
{
    u8 space = acpi_u8(v, off), bits = acpi_u8(v, off + 1), access = acpi_u8(v, off + 3);

    *u = (struct machine_uart){ .base = acpi_u64(v, off + 4), .size = UART_SIZE };
    if (space != ADDRESS_MEMORY) {
        (void)acpi_bad(v, off, "UART in %s: a CPU cannot reach it", space == ADDRESS_IO ? "I/O space" : "no memory");
        return -ENODEV;
    }
    if (u->base == 0 || u->base > UINT64_MAX - u->size) {
        (void)acpi_bad(v, off, "UART at %#" PRIx64, u->base);
        return -ENODEV;
    }
    for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (kinds[i].kind == kind && uart_driver_find(kinds[i].compatible) != NULL) {
            str_copy(u->compatible, kinds[i].compatible, sizeof(u->compatible));
            str_copy(u->name, v->name, sizeof(u->name));
            set_registers(u, bits, is_xgene(v) ? ACCESS_DWORD : access);
            log_debug("%s: %s at %#" PRIx64, v->name, kinds[i].what, u->base);
            return 0;
        }
    }
    log_warn("%s: no driver for a UART of kind %#x", v->name, kind);
    return -ENODEV;
}

static boot_code int read_spcr(struct acpi_view *v, struct machine_uart *u)
{
    static const u32 bauds[] = { [3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200 };
    u32 gsiv = acpi_u32(v, SPCR_GSIV);
    u8 baud = acpi_u8(v, SPCR_BAUD);
    int r = -ENODEV;

    if (v->size < SPCR_MIN) {
        (void)acpi_bad(v, 4, "SPCR of %u bytes", v->size);
        return r;
    }
    r = read_uart(v, acpi_u8(v, SPCR_TYPE), SPCR_ADDRESS, u);
    if (acpi_u8(v, SPCR_IRQ_TYPE) & SPCR_IRQ_GIC) {
        u->irq = gsiv >= 32 && gsiv < 1020 ? gsiv : 0;
    }
    u->clock_hz = acpi_u8(v, ACPI_REVISION) >= 3 ? acpi_u32(v, SPCR_CLOCK) : 0;
    u->baud = acpi_u8(v, ACPI_REVISION) >= 4 ? acpi_u32(v, SPCR_BAUD_RATE) : 0;
    if (u->baud == 0) {
        u->baud = baud < ARRAY_SIZE(bauds) ? bauds[baud] : 0;
    }
    return r;
}

/* The first serial device that can be used; DBG2 has no interrupts. */
static boot_code int read_dbg2(struct acpi_view *v, struct machine_uart *u)
{
    u32 off = acpi_u32(v, DBG2_OFFSET), count = acpi_u32(v, DBG2_COUNT), size, at;

    for (u32 i = 0; i < count; i++, off += size) {
        size = acpi_u16(v, off + 1);
        at = acpi_u16(v, off + 18);
        if (off < DBG2_MIN || off > v->size || size < DEVICE_MIN || size > v->size - off) {
            (void)acpi_bad(v, off, "device %u of %u, of %u bytes: the rest is not read", i, count, size);
            break;
        }
        if (acpi_u16(v, off + 12) != DEVICE_SERIAL) {
            continue;
        }
        if (acpi_u8(v, off + 3) == 0 || at < DEVICE_MIN || at > size - MIN(size, (u32)ADDRESS_SIZE)) {
            (void)acpi_bad(v, off, "device without an address");
        } else if (read_uart(v, acpi_u16(v, off + 14), off + at, u) == 0) {
            return 0;
        }
    }
    return -ENODEV;
}

boot_code int acpi_find_uart(struct machine *m, const struct acpi_tables *t)
{
    struct machine_uart u;
    struct acpi_view v;
    int r = -ENODEV;

    if (acpi_view_find(&v, t, "SPCR")) {
        r = read_spcr(&v, &u);
        acpi_view_close(&v);
    }
    if (r != 0 && acpi_view_find(&v, t, "DBG2")) {
        r = read_dbg2(&v, &u);
        acpi_view_close(&v);
    }
    m->has_uart = r == 0;
    if (r == 0) {
        m->uart = u;
    }
    return r;
}
