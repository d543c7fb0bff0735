/* SPDX-License-Identifier: MIT */
/*
 * A host's ACPI tables in a test: those of a folder below tests/unit/acpi (QEMU's, see docs/testing.md), or made by
 * hand, in memory that is read through a struct firmware_memory, whose windows are counted.
 */
#ifndef ACPI_HOST_H
#define ACPI_HOST_H

#include <dirent.h>
#include <argon/acpi.h>

#define HOST_MAX 64

static struct host_piece { u64 pa; u8 *data; u32 size; } host_piece[HOST_MAX];
static u32 host_pieces;
static int host_windows;
static struct acpi_tables host;

static const void *host_map(paddr_t pa, u64 size)
{
    assert_true(size > 0 && size <= MIB(1));
    for (u32 i = 0; i < host_pieces; i++) {
        const struct host_piece *p = &host_piece[i];

        if (pa >= p->pa && pa + size <= p->pa + p->size) {
            host_windows++;
            return p->data + (pa - p->pa);
        }
    }
    return NULL;
}

static void host_unmap(const void *va, u64 size)
{
    (void)va, (void)size;
    host_windows--;
}

static const struct firmware_memory host_memory = { host_map, host_unmap };

static void host_reset(void)
{
    while (host_pieces > 0) {
        free(host_piece[--host_pieces].data);
    }
    memset(&host, 0, sizeof(host));
    memset(&machine, 0, sizeof(machine));
    host.memory = &host_memory;
    memcpy(host.oem_id, "BOCHS ", 6);
    assert_int_equal(host_windows, 0);
    host_windows = 0;
}

static u8 *host_put(u64 pa, const void *data, u32 size)
{
    struct host_piece *p = &host_piece[host_pieces++];

    assert_true(host_pieces <= HOST_MAX);
    *p = (struct host_piece){ pa, malloc(size), size };
    if (data != NULL) {
        memcpy(p->data, data, size);
    } else {
        memset(p->data, 0, size);
    }
    return p->data;
}

/* A table with that contents; its header is filled in where `signature` is not NULL. */
static u8 *host_table(const char *signature, const void *data, u32 size)
{
    u64 pa = 0x13c000000UL + host.nr * 0x100000UL + 0x18;
    u8 *t = host_put(pa, data, size);
    u8 sum = 0;

    if (signature != NULL) {
        memcpy(t, signature, 4);
        memcpy(t + 4, &size, 4);
        t[8] = 1;
        t[9] = 0;
        memcpy(t + 10, "TEST  TESTTEST", 14);
        for (u32 i = 0; i < size; i++) {
            sum = (u8)(sum + t[i]);
        }
        t[9] = (u8)-sum;
    }
    host.table[host.nr] = (struct acpi_table){ .start = pa, .size = size };
    memcpy(host.table[host.nr++].signature, t, 4);
    return t;
}

unused static const u8 *host_find(const char *signature, u32 *size)
{
    const struct acpi_table *t = acpi_find(&host, signature, 0);

    for (u32 i = 0; t != NULL && i < host_pieces; i++) {
        if (host_piece[i].pa == t->start) {
            *size = t->size;
            return host_piece[i].data;
        }
    }
    *size = 0;
    return NULL;
}

/* Tests run in tests/unit. */
static const char *host_path(const char *name)
{
    static char path[320];

    snprintf(path, sizeof(path), "acpi/%s", name);
    return path;
}

/* All tables of a folder but an XSDT. */
unused static void host_load(const char *folder)
{
    DIR *dir = opendir(host_path(folder));
    struct dirent *e;

    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        static u8 data[0x20000];
        char name[300];
        FILE *f;

        if (strstr(e->d_name, ".bin") == NULL || strcmp(e->d_name, "XSDT.bin") == 0) {
            continue;
        }
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        f = fopen(host_path(name), "rb");
        assert_non_null(f);
        host_table(NULL, data, (u32)fread(data, 1, sizeof(data), f));
        fclose(f);
    }
    closedir(dir);
}

#endif
