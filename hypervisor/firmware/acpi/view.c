/* SPDX-License-Identifier: MIT */
/* Reading one table of ACPI's. */
#include <argon/acpi_view.h>
#include <argon/console.h>
#include <argon/printf.h>
#include <argon/string.h>

#define MAX_VIEW     MIB(1)
#define MAX_MESSAGES 16

#define IORT_NR_NODES 36
#define IORT_NODES    40

/* What the specification calls them, where that is not the signature. */
static const char *const names[][2] = { { "APIC", "MADT" }, { "FACP", "FADT" } };

boot_code bool acpi_view_open(struct acpi_view *v, const struct acpi_tables *t, const struct acpi_table *table)
{
    *v = (struct acpi_view){ .memory = t->memory, .size = table->size };
    memcpy(v->name, table->signature, 4);
    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        if (memcmp(table->signature, names[i][0], 4) == 0) {
            memcpy(v->name, names[i][1], 4);
        }
    }
    v->data = table->size <= MAX_VIEW ? t->memory->map(table->start, table->size) : NULL;
    if (v->data == NULL) {
        log_err("%s: its %u bytes at %#" PRIx64 " cannot be read", v->name, table->size, table->start);
    }
    return v->data != NULL;
}

boot_code bool acpi_view_find(struct acpi_view *v, const struct acpi_tables *t, const char *signature)
{
    const struct acpi_table *table = acpi_find(t, signature, 0);

    return table != NULL && acpi_view_open(v, t, table);
}

boot_code bool acpi_view_again(struct acpi_view *v, const struct acpi_tables *t, const char *signature, u32 least)
{
    const struct acpi_table *table = acpi_find(t, signature, 0);

    if (table == NULL || table->size < least || !acpi_view_open(v, t, table)) {
        return false;
    }
    v->quiet = true;
    return true;
}

boot_code void acpi_view_close(struct acpi_view *v)
{
    v->memory->unmap(v->data, v->size);
}

static boot_code u64 number(const struct acpi_view *v, u32 off, u32 bytes)
{
    u64 n = 0;

    for (u32 i = 0; i < bytes && off < v->size && i < v->size - off; i++) {
        n |= (u64)v->data[off + i] << i * 8;
    }
    return n;
}

boot_code u8 acpi_u8(const struct acpi_view *v, u32 off)
{
    return (u8)number(v, off, 1);
}

boot_code u16 acpi_u16(const struct acpi_view *v, u32 off)
{
    return (u16)number(v, off, 2);
}

boot_code u32 acpi_u32(const struct acpi_view *v, u32 off)
{
    return (u32)number(v, off, 4);
}

boot_code u64 acpi_u64(const struct acpi_view *v, u32 off)
{
    return number(v, off, 8);
}

boot_code bool acpi_is_of(const struct acpi_view *v, const char *oem_id, const char *oem_table, u32 oem_revision)
{
    return v->size >= ACPI_HEADER && memcmp(v->data + ACPI_OEM_ID, oem_id, 6) == 0 &&
           memcmp(v->data + ACPI_OEM_TABLE, oem_table, 8) == 0 && acpi_u32(v, ACPI_OEM_REV) == oem_revision;
}

boot_code int acpi_bad(struct acpi_view *v, u32 off, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (v->quiet) {
        return -EINVAL;
    }
    v->nr_bad++;
    if (v->nr_bad <= MAX_MESSAGES) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        log_warn("%s: offset %#x: %s", v->name, off, text);
    } else if (v->nr_bad == MAX_MESSAGES + 1) {
        log_warn("%s: more of this kind, not listed", v->name);
    }
    return -EINVAL;
}

boot_code bool acpi_next_entry(struct acpi_view *v, u32 *pos, struct acpi_entry *e)
{
    u32 left = *pos < v->size ? v->size - *pos : 0;

    *e = (struct acpi_entry){ .off = *pos, .type = acpi_u8(v, *pos), .size = acpi_u8(v, *pos + 1) };
    if (left == 0) {
        return false;
    }
    if (e->size < 2 || e->size > left) {
        (void)acpi_bad(v, e->off, "entry of type %u and %u bytes, of %u that are left: the rest is not read", e->type,
                       e->size, left);
        return false;
    }
    *pos += e->size;
    return true;
}

boot_code bool acpi_next_node(struct acpi_view *v, struct acpi_node *n)
{
    bool first = n->off == 0;
    u32 off = first ? acpi_u32(v, IORT_NODES) : n->off + n->size, left = off < v->size ? v->size - off : 0;
    u32 nr = acpi_u32(v, IORT_NR_NODES), index = first ? 0 : n->index + 1, maps;

    if (index >= nr) {
        return false;
    }
    *n = (struct acpi_node){
        .off = off, .index = index, .type = acpi_u8(v, off), .size = acpi_u16(v, off + 1),
        .nr_maps = acpi_u32(v, off + 8)
    };
    if (off < IORT_MIN || n->size < NODE_HEADER || n->size > left) {
        (void)acpi_bad(v, off, "node %u of %u, of %u bytes: the rest is not read", index, nr, n->size);
        return false;
    }
    maps = acpi_u32(v, off + 12);
    if (n->nr_maps != 0 && (maps < NODE_HEADER || maps > n->size || n->nr_maps > (n->size - maps) / MAPPING_BYTES)) {
        (void)acpi_bad(v, off, "%u mappings at %u, in a node of %u bytes: not used", n->nr_maps, maps, n->size);
        n->nr_maps = 0;
    }
    n->maps = off + maps;
    return true;
}

boot_code struct acpi_mapping acpi_mapping(const struct acpi_view *v, const struct acpi_node *n, u32 i)
{
    u32 off = n->maps + i * MAPPING_BYTES;

    return (struct acpi_mapping){
        .first = acpi_u32(v, off), .more = acpi_u32(v, off + 4), .output = acpi_u32(v, off + 8),
        .to = acpi_u32(v, off + 12), .flags = acpi_u32(v, off + 16)
    };
}
