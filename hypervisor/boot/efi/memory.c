/* SPDX-License-Identifier: MIT */
/* Pages from firmware, and the end of boot services (UEFI 2.10, 7.2 and 7.4.6). */
#include "efi.h"

#include <argon/machine.h>

#define EXIT_TRIES 8
#define MAP_SLACK  32                    /* descriptors that our allocations, and firmware between two calls, may add */
#define MAP_MAX    MIB(1)                /* of what firmware/efi believes */
#define DESC_MIN   40                    /* bytes of a descriptor (7.2.3); firmware's have more */

static boot_code u64 pages_of(u64 bytes)
{
    return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

boot_code void *efi_pages(struct efi *e, u64 bytes, const char *what)
{
    efi_status s = EFI_OUT_OF_RESOURCES;
    u64 at = MACHINE_RAM_LIMIT - 1;      /* firmware likes the top of memory, which may be beyond */

    if (e->nr_held < EFI_MAX_HELD) {
        s = e->boot->allocate_pages(EFI_MAX_ADDRESS, EFI_LOADER_DATA, pages_of(bytes), &at);
    }
    if (s != EFI_SUCCESS) {
        efi_say(e, "no memory for %s: %" PRIu64 " KiB: %s", what, DIV_ROUND_UP(bytes, KIB(1)), efi_error(s));
        return NULL;
    }
    e->held[e->nr_held].at = (void *)(uintptr_t)at;
    e->held[e->nr_held++].bytes = bytes;
    return (void *)(uintptr_t)at;
}

boot_code void efi_pages_free(struct efi *e, void *at)
{
    for (u32 i = 0; i < e->nr_held; i++) {
        if (e->held[i].at == at) {
            (void)e->boot->free_pages((u64)(uintptr_t)at, pages_of(e->held[i].bytes));
            e->held[i] = e->held[--e->nr_held];
            return;
        }
    }
}

boot_code void efi_pages_free_all(struct efi *e)
{
    while (e->nr_held != 0) {
        efi_pages_free(e, e->held[0].at);
    }
}

boot_code efi_status efi_map_room(struct efi *e, struct efi_map *map)
{
    u64 key, bytes = 0;
    efi_status s;

    map->desc_size = 0;
    map->desc_version = 0;
    s = e->boot->get_memory_map(&bytes, NULL, &key, &map->desc_size, &map->desc_version);

    if (s != EFI_BUFFER_TOO_SMALL || map->desc_size < DESC_MIN || map->desc_size > PAGE_SIZE || bytes > MAP_MAX) {
        efi_say(e, "firmware does not give its memory map (%" PRIu64 " bytes, %" PRIu64 " a descriptor): %s", bytes,
                map->desc_size, efi_error(s));
        return EFI_LOAD_ERROR;
    }
    map->room = MIN(bytes + MAP_SLACK * map->desc_size, MAP_MAX);
    map->at = efi_pages(e, map->room, "the memory map");
    return map->at != NULL ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
}

/*
 * After the first call of ExitBootServices only memory services may be called, so there is no message in between,
 * and the buffer is one that is large enough for what can still come.
 */
boot_code efi_status efi_end_boot_services(const struct efi *e, struct efi_map *map)
{
    efi_status s = EFI_LOAD_ERROR;

    for (unsigned int i = 0; i < EXIT_TRIES; i++) {
        u64 key;

        map->bytes = map->room;
        s = e->boot->get_memory_map(&map->bytes, map->at, &key, &map->desc_size, &map->desc_version);
        if (s != EFI_SUCCESS) {
            return s;
        }
        s = e->boot->exit_boot_services(e->image, key);
        if (s != EFI_INVALID_PARAMETER) {
            return s;                    /* done, or not to be mended by another map */
        }
    }
    return s;
}
