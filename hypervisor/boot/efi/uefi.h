/* SPDX-License-Identifier: MIT */
/*
 * What the EFI application uses of UEFI (UEFI 2.10; numbers are its sections). Calls follow the processor's own
 * procedure call standard.
 */
#ifndef BOOT_EFI_UEFI_H
#define BOOT_EFI_UEFI_H

#include <argon/types.h>

typedef u64 efi_status;                  /* 64 bits: 0, a warning, or bit 63 and a number (appendix D) */
#define EFI_SUCCESS          UINT64_C(0)
#define EFI_ERROR(n)         (BIT(63) | (n))
#define EFI_LOAD_ERROR       EFI_ERROR(1)
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_UNSUPPORTED      EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL EFI_ERROR(5)
#define EFI_OUT_OF_RESOURCES EFI_ERROR(9)
#define EFI_NOT_FOUND        EFI_ERROR(14)

struct efi_guid { u32 a; u16 b, c; u8 d[8]; };

struct efi_table_header { u64 signature; u32 revision, size, crc, reserved; };      /* 4.2 */

struct efi_text_output {                 /* 12.4 */
    void *reset;
    efi_status (*output_string)(struct efi_text_output *self, const u16 *s);
};

enum efi_allocate { EFI_ANY_PAGES, EFI_MAX_ADDRESS, EFI_AT_ADDRESS };

/* Memory types (7.2.1) that this program asks for. */
#define EFI_LOADER_DATA 2

struct efi_boot_services {               /* 4.4 */
    struct efi_table_header header;
    void *raise_tpl, *restore_tpl;
    efi_status (*allocate_pages)(u32 how, u32 type, u64 pages, u64 *address);
    efi_status (*free_pages)(u64 address, u64 pages);
    efi_status (*get_memory_map)(u64 *size, void *map, u64 *key, u64 *desc_size, u32 *desc_version);
    void *allocate_pool, *free_pool;
    void *events[6];
    void *install_protocol, *reinstall_protocol, *uninstall_protocol;
    efi_status (*handle_protocol)(void *handle, const struct efi_guid *protocol, void **interface);
    void *reserved, *register_notify, *locate_handle, *locate_device_path, *install_table;
    void *load_image, *start_image, *exit, *unload_image;
    efi_status (*exit_boot_services)(void *image, u64 key);
    void *monotonic_count, *stall;
    efi_status (*set_watchdog)(u64 seconds, u64 code, u64 size, const u16 *data);
    void *connect, *disconnect, *open_protocol, *close_protocol, *open_information, *protocols, *locate_buffer;
    efi_status (*locate_protocol)(const struct efi_guid *protocol, void *registration, void **interface);
};

struct efi_config_table { struct efi_guid guid; const void *table; };

struct efi_system_table {                /* 4.3 */
    struct efi_table_header header;
    const u16 *vendor;
    u32 revision;
    void *con_in_handle, *con_in;
    void *con_out_handle;
    struct efi_text_output *con_out;
    void *std_err_handle, *std_err;
    void *runtime;
    struct efi_boot_services *boot;
    u64 nr_tables;
    const struct efi_config_table *tables;
};

/* 10.3.1: nodes of a device path; the length is of the whole node, little-endian. */
struct efi_path_node { u8 type, subtype, length[2]; };
#define EFI_PATH_MEDIA  4
#define EFI_PATH_FILE   4                /* subtype: UTF-16 path name */
#define EFI_PATH_END    0x7f

struct efi_loaded_image {                /* 9.1 */
    u32 revision;
    void *parent;
    struct efi_system_table *system_table;
    void *device;
    const struct efi_path_node *path;
    void *reserved;
    u32 options_size;                    /* bytes */
    const void *options;
    void *base;
    u64 size;
};

struct efi_file {                        /* 13.5 */
    u64 revision;
    efi_status (*open)(struct efi_file *dir, struct efi_file **out, const u16 *name, u64 mode, u64 attributes);
    efi_status (*close)(struct efi_file *f);
    void *remove;
    efi_status (*read)(struct efi_file *f, u64 *size, void *buf);
    void *write;
    efi_status (*get_position)(struct efi_file *f, u64 *position);
    efi_status (*set_position)(struct efi_file *f, u64 position);        /* all ones: the end */
};
#define EFI_FILE_READ 1

struct efi_file_system {                 /* 13.4 */
    u64 revision;
    efi_status (*open_volume)(struct efi_file_system *fs, struct efi_file **root);
};

/* Of shim, which checks what is loaded under Secure Boot by its own keys, too. */
struct efi_shim_lock { efi_status (*verify)(const void *data, u32 size); };

/* Of firmware of 64 bits. */
#define EFI_LAYOUT(type, member, at) static_assert(sizeof(void *) != 8 || offsetof(struct type, member) == (at), #type)
EFI_LAYOUT(efi_boot_services, handle_protocol, 152);
EFI_LAYOUT(efi_boot_services, exit_boot_services, 232);
EFI_LAYOUT(efi_boot_services, locate_protocol, 320);
EFI_LAYOUT(efi_system_table, tables, 112);
EFI_LAYOUT(efi_loaded_image, options, 56);
#undef EFI_LAYOUT

#endif
