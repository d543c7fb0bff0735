/* SPDX-License-Identifier: MIT */
/* Firmware's console, and its strings of 16-bit characters (UEFI 2.10, 12.4). */
#include "efi.h"

#include <argon/printf.h>
#include <argon/string.h>

#define LINE_MAX 320

static boot_code void put_line(struct efi_text_output *out, const char *line)
{
    u16 wide[LINE_MAX + 3];
    size_t n = 0;

    for (; *line != '\0' && n < LINE_MAX; line++) {
        wide[n++] = (u8)*line < ' ' ? '?' : (u8)*line;      /* names of files may have anything in them */
    }
    wide[n++] = '\r';
    wide[n++] = '\n';
    wide[n] = 0;
    (void)out->output_string(out, wide);
}

boot_code void efi_say(const struct efi *e, const char *fmt, ...)
{
    char line[LINE_MAX];
    va_list ap;
    int n = snprintf(line, sizeof(line), "Argon: ");

    if (e->table->con_out == NULL) {
        return;                          /* a machine may have no console (4.3) */
    }
    va_start(ap, fmt);
    vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
    va_end(ap);
    put_line(e->table->con_out, line);
}

/* A switch: a table would have addresses in it. */
boot_code const char *efi_error(efi_status s)
{
    switch (s & ~BIT(63)) {
    case 1: return "load error";
    case 2: return "invalid parameter";
    case 3: return "not supported";
    case 5: return "buffer too small";
    case 7: return "device error";
    case 9: return "out of memory";
    case 10: return "volume corrupted";
    case 12: return "no medium";
    case 13: return "medium changed";
    case 14: return "not found";
    case 15: return "access denied";
    case 18: return "time-out";
    case 26: return "security violation";
    default: return "firmware error";
    }
}

boot_code bool efi_narrow(char *dst, size_t size, const void *src, size_t units)
{
    const u8 *p = src;
    size_t n = 0;

    for (; n < units && (p[2 * n] | p[2 * n + 1]) != 0; n++) {
        if (n + 1 >= size) {
            dst[n] = '\0';
            return false;
        }
        dst[n] = p[2 * n + 1] == 0 && p[2 * n] < 0x80 ? (char)p[2 * n] : '?';
    }
    dst[n] = '\0';
    return true;
}

boot_code bool efi_widen_path(u16 *dst, const char *src)
{
    size_t n = 0;

    for (; src[n] != '\0'; n++) {
        if (n + 1 == EFI_NAME_MAX) {
            return false;
        }
        dst[n] = src[n] == '/' ? '\\' : (u8)src[n];
    }
    dst[n] = 0;
    return true;
}

boot_code bool efi_guid_is(const struct efi_guid *a, const struct efi_guid *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
