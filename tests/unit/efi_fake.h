/* SPDX-License-Identifier: MIT */
/*
 * UEFI firmware for unit tests of boot/efi: pages that are counted, files in memory, a memory map that grows, a
 * console that is kept, and any call refused by its number. What the EFI application must not do fails the test:
 * write beyond its pages, use a file that it has closed, or call what may not be called once boot services are being
 * ended.
 */
#ifndef EFI_FAKE_H
#define EFI_FAKE_H

#include <sys/mman.h>
#include <libfdt.h>
#include <boot/efi/efi.h>

#define FAKE_ALLOCS  64
#define FAKE_HANDLES 64
#define FAKE_FILES   32
#define FAKE_DESC    48                  /* bytes of a descriptor, as edk2's */

struct fake_file { const char *path; const void *data; u64 size; efi_status error; bool directory; };
struct fake_handle { struct efi_file file; char path[1024]; const struct fake_file *of; u64 at; bool open; };
struct fake_alloc { void *at; u64 pages; bool live; };

static struct {
    struct efi_system_table table;
    struct efi_boot_services boot;
    struct efi_text_output out;
    struct efi_file_system fs;
    struct efi_loaded_image loaded;
    struct efi_shim_lock shim;
    struct efi_config_table tables[4];
    struct fake_file files[FAKE_FILES];
    struct fake_handle handles[FAKE_HANDLES];
    struct fake_alloc allocs[FAKE_ALLOCS];
    u32 nr_files, nr_handles, nr_allocs;
    /* knobs */
    bool high;                           /* pages above 4 GiB */
    bool no_file_system, has_shim;
    u64 read_max;                        /* bytes of one read, 0: all */
    u64 truncate;                        /* files end so many bytes before what they say */
    u32 fail_alloc, fail_call;           /* that one, from 1, is refused */
    /* descriptors of the map; calls of exit with an old key, and what each of them adds */
    u32 nr_desc, stale, grow;
    u64 desc_size;
    efi_status exit_error, shim_status;
    /* records */
    u32 nr_alloc_calls, calls, exits, verified;
    u64 key, seen_key, map_bytes;
    const void *verified_data;
    u64 verified_size;
    bool gone, watchdog_off;
    char log[8192];
    void *tree;
    efi_status status;
    jmp_buf jump;
    void *options, *path, *firmware_tree, *firmware_copy;
} fake;

/* Is this call to be refused? */
static inline bool fake_fails(bool memory)
{
    assert_false(fake.gone);
    assert_true(fake.exits == 0 || memory);      /* 7.4.6 */
    return ++fake.calls == fake.fail_call;
}

static inline efi_status fake_allocate(u32 how, u32 type, u64 pages, u64 *address)
{
    void *at;

    assert_int_equal(how, EFI_MAX_ADDRESS);
    assert_int_equal(*address, BIT(44) - 1);     /* what Argon can use */
    assert_int_equal(type, EFI_LOADER_DATA);
    assert_int_not_equal(pages, 0);
    if (fake_fails(true) || ++fake.nr_alloc_calls == fake.fail_alloc) {
        return EFI_OUT_OF_RESOURCES;
    }
    assert_true(fake.nr_allocs < FAKE_ALLOCS);
    /* Whatever was there before; and a page behind that must not be touched. */
    at = mmap(NULL, (pages + 1) * PAGE_SIZE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (fake.high ? 0 : MAP_32BIT), -1, 0);
    assert_true(at != MAP_FAILED);
    memset(at, 0xa5, MIN(pages, UINT64_C(1024)) * PAGE_SIZE);
    mprotect((char *)at + pages * PAGE_SIZE, PAGE_SIZE, PROT_NONE);
    fake.allocs[fake.nr_allocs++] = (struct fake_alloc){ at, pages, true };
    fake.nr_desc++;                      /* what is taken is a piece of its own */
    fake.key++;
    *address = (u64)(uintptr_t)at;
    return EFI_SUCCESS;
}

static inline efi_status fake_free(u64 address, u64 pages)
{
    assert_false(fake.gone);
    for (u32 i = 0; i < fake.nr_allocs; i++) {
        struct fake_alloc *a = &fake.allocs[i];

        if (a->live && (u64)(uintptr_t)a->at == address) {
            assert_int_equal(a->pages, pages);
            a->live = false;
            munmap(a->at, (pages + 1) * PAGE_SIZE);
            return EFI_SUCCESS;
        }
    }
    fail_msg("pages given back that were not taken: %lx", (unsigned long)address);
    return EFI_NOT_FOUND;
}

static inline efi_status fake_get_map(u64 *size, void *map, u64 *key, u64 *desc_size, u32 *desc_version)
{
    u64 need = fake.nr_desc * fake.desc_size, room = *size;

    if (fake_fails(true)) {
        return EFI_ERROR(7);
    }
    *size = need;
    *desc_size = fake.desc_size;
    *desc_version = 1;
    if (room < need || map == NULL) {
        return EFI_BUFFER_TOO_SMALL;
    }
    for (u32 i = 0; i < fake.nr_desc; i++) {
        memset((u8 *)map + i * fake.desc_size, (int)i + 1, fake.desc_size);
    }
    *key = fake.seen_key = fake.key;
    fake.map_bytes = need;
    return EFI_SUCCESS;
}

static inline efi_status fake_exit(void *image, u64 key)
{
    assert_ptr_equal(image, &fake);
    for (u32 i = 0; i < fake.nr_handles; i++) {
        assert_false(fake.handles[i].open);
    }
    if (fake_fails(true)) {
        return EFI_ERROR(7);
    }
    fake.exits++;
    assert_int_equal(key, fake.seen_key);
    if (fake.exit_error != 0) {
        return fake.exit_error;
    }
    if (fake.stale != 0) {
        fake.stale--;
        fake.key++;
        fake.nr_desc += fake.grow;
        return EFI_INVALID_PARAMETER;
    }
    fake.gone = true;
    return EFI_SUCCESS;
}

static inline efi_status fake_output(struct efi_text_output *self, const u16 *s)
{
    size_t n = strlen(fake.log);

    assert_ptr_equal(self, &fake.out);
    assert_false(fake.gone);
    for (; *s != 0 && n + 1 < sizeof(fake.log); s++) {
        if (*s != '\r') {
            fake.log[n++] = (char)*s;
        }
    }
    fake.log[n] = '\0';
    return EFI_SUCCESS;
}

static inline efi_status fake_watchdog(u64 seconds, u64 code, u64 size, const u16 *data)
{
    (void)code;
    (void)size;
    (void)data;
    fake.watchdog_off = seconds == 0;
    return EFI_SUCCESS;
}

/* ---- files ---- */
static inline struct fake_handle *fake_handle_of(struct efi_file *f)
{
    struct fake_handle *h = container_of(f, struct fake_handle, file);

    assert_true(h->open);
    return h;
}

static inline efi_status fake_new_handle(const char *path, struct efi_file **out);

static inline efi_status fake_open(struct efi_file *dir, struct efi_file **out, const u16 *name, u64 mode,
                                   u64 attributes)
{
    struct fake_handle *h = fake_handle_of(dir);
    char path[1024];
    int n = snprintf(path, sizeof(path), "%s", name[0] == '\\' ? "" : h->path);

    assert_int_equal(mode, EFI_FILE_READ);
    assert_int_equal(attributes, 0);
    assert_int_not_equal(name[0], 0);
    if (fake_fails(false)) {
        return EFI_ERROR(7);
    }
    if (name[0] != '\\') {
        path[n++] = '\\';
    }
    for (; *name != 0; name++) {
        path[n++] = (char)*name;
    }
    path[n] = '\0';
    return fake_new_handle(path, out);
}

static inline efi_status fake_close(struct efi_file *f)
{
    assert_false(fake.gone);
    fake_handle_of(f)->open = false;
    return EFI_SUCCESS;
}

static inline efi_status fake_read(struct efi_file *f, u64 *size, void *buf)
{
    struct fake_handle *h = fake_handle_of(f);
    u64 n;

    if (fake_fails(false)) {
        return EFI_ERROR(7);
    }
    n = MIN(*size, h->of->size - fake.truncate - h->at);
    if (fake.read_max != 0) {
        n = MIN(n, fake.read_max);
    }
    memcpy(buf, (const u8 *)h->of->data + h->at, n);
    h->at += n;
    *size = n;
    return EFI_SUCCESS;
}

static inline efi_status fake_get_position(struct efi_file *f, u64 *position)
{
    *position = fake_handle_of(f)->at;
    return fake_fails(false) ? EFI_ERROR(7) : EFI_SUCCESS;
}

static inline efi_status fake_set_position(struct efi_file *f, u64 position)
{
    struct fake_handle *h = fake_handle_of(f);

    if (fake_fails(false)) {
        return EFI_ERROR(7);
    }
    if (h->of->directory) {
        return EFI_UNSUPPORTED;          /* 13.5: for directories only the start is */
    }
    h->at = position == UINT64_MAX ? h->of->size : position;
    return EFI_SUCCESS;
}

static inline efi_status fake_new_handle(const char *path, struct efi_file **out)
{
    struct fake_handle *h = &fake.handles[fake.nr_handles];
    const struct fake_file *of = NULL;

    for (u32 i = 0; i < fake.nr_files; i++) {
        if (strcmp(fake.files[i].path, path) == 0) {
            of = &fake.files[i];
        }
    }
    if (of == NULL) {
        return EFI_NOT_FOUND;
    }
    if (of->error != 0) {
        return of->error;
    }
    assert_true(fake.nr_handles++ < FAKE_HANDLES);
    *h = (struct fake_handle){ .of = of, .open = true };
    snprintf(h->path, sizeof(h->path), "%s", path);
    h->file = (struct efi_file){ .open = fake_open, .close = fake_close, .read = fake_read,
                                 .get_position = fake_get_position, .set_position = fake_set_position };
    *out = &h->file;
    return EFI_SUCCESS;
}

static inline efi_status fake_open_volume(struct efi_file_system *fs, struct efi_file **root)
{
    assert_ptr_equal(fs, &fake.fs);
    return fake_fails(false) ? EFI_ERROR(7) : fake_new_handle("", root);
}

/* ---- protocols ---- */
static inline efi_status fake_handle_protocol(void *handle, const struct efi_guid *protocol, void **interface)
{
    if (fake_fails(false)) {
        return EFI_ERROR(7);
    }
    if (handle == &fake && protocol->a == 0x5b1b31a1) {
        *interface = &fake.loaded;
        return EFI_SUCCESS;
    }
    if (handle == &fake.fs && protocol->a == 0x964e5b22 && !fake.no_file_system) {
        *interface = &fake.fs;
        return EFI_SUCCESS;
    }
    return EFI_UNSUPPORTED;
}

static inline efi_status fake_verify(const void *data, u32 size)
{
    fake.verified++;
    fake.verified_data = data;
    fake.verified_size = size;
    return fake.shim_status;
}

static inline efi_status fake_locate(const struct efi_guid *protocol, void *registration, void **interface)
{
    assert_null(registration);
    assert_int_equal(protocol->a, 0x605dab50);
    assert_false(fake.gone || fake.exits != 0);
    if (!fake.has_shim) {
        return EFI_NOT_FOUND;
    }
    *interface = &fake.shim;
    return EFI_SUCCESS;
}

/* ---- setting it up ---- */
static inline void fake_add(const char *path, const void *data, u64 size)
{
    assert_true(fake.nr_files < FAKE_FILES);
    fake.files[fake.nr_files++] = (struct fake_file){ .path = path, .data = data, .size = size };
}
static inline void fake_text(const char *path, const char *text) { fake_add(path, text, strlen(text)); }

static inline struct fake_file *fake_file(const char *path)
{
    for (u32 i = 0; i < fake.nr_files; i++) {
        if (strcmp(fake.files[i].path, path) == 0) {
            return &fake.files[i];
        }
    }
    fail_msg("no file %s", path);
    return NULL;
}

/*
 * In memory of exactly that size, at an odd address: what is read beyond is seen, and so is what counts on alignment.
 */
static inline void *fake_wide(const char *s, size_t bytes, size_t before)
{
    u8 *p = malloc(before + bytes);

    for (size_t i = 0; i < bytes; i++) {
        p[before + i] = i % 2 == 0 ? (u8)s[i / 2] : 0;
    }
    return p;
}

/* LoadOptions of so many bytes; the string's end is among them where they are enough. */
static inline void fake_options_bytes(const char *s, size_t bytes)
{
    free(fake.options);
    fake.options = fake_wide(s, bytes, 1);
    fake.loaded.options = (u8 *)fake.options + 1;
    fake.loaded.options_size = (u32)bytes;
}
static inline void fake_options(const char *s) { fake_options_bytes(s, 2 * strlen(s) + 2); }

/* FilePath: a hard disk, the file's name in one node or two, the end. */
static inline void fake_started_as(const char *first, const char *second)
{
    const char *name[] = { first, second };
    size_t n = 5;
    u8 *p = calloc(1, 4 * (strlen(first) + (second != NULL ? strlen(second) : 0)) + 64);

    free(fake.path);
    fake.path = p;
    memcpy(p, (u8[]){ 4, 1, 5, 0, 0 }, 5);       /* an odd length: what comes behind is not aligned */
    for (u32 i = 0; i < 2 && name[i] != NULL; i++) {
        size_t len = 4 + 2 * strlen(name[i]) + 2;
        u8 *wide = fake_wide(name[i], len - 4, 0);

        memcpy(p + n, (u8[]){ 4, 4, (u8)len, (u8)(len >> 8) }, 4);
        memcpy(p + n + 4, wide, len - 4);
        free(wide);
        n += len;
    }
    memcpy(p + n, (u8[]){ 0x7f, 0xff, 4, 0 }, 4);
    fake.path = realloc(p, n + 4);
    fake.loaded.path = fake.path;
}

/* The device tree among firmware's tables. */
static inline void fake_set_tree(const void *tree)
{
    static const struct efi_guid fdt = { 0xb1b621d5, 0xf19c, 0x41a5,
                                         { 0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0 } };
    size_t n = fdt_totalsize(tree);

    free(fake.firmware_tree);
    free(fake.firmware_copy);
    fake.firmware_tree = aligned_alloc(8, ROUND_UP(n, 8));
    fake.firmware_copy = malloc(n);
    memcpy(fake.firmware_tree, tree, n);
    memcpy(fake.firmware_copy, tree, n);
    fake.tables[1] = (struct efi_config_table){ fdt, fake.firmware_tree };
}

/* Give back all of the last start. */
static inline void fake_forget(void)
{
    for (u32 i = 0; i < fake.nr_allocs; i++) {
        if (fake.allocs[i].live) {
            munmap(fake.allocs[i].at, (fake.allocs[i].pages + 1) * PAGE_SIZE);
        }
    }
    fake.nr_allocs = fake.nr_handles = fake.nr_alloc_calls = fake.calls = fake.exits = fake.verified = 0;
    fake.nr_desc = 20;
    fake.key = 77;
    fake.gone = fake.watchdog_off = false;
    fake.log[0] = '\0';
    fake.tree = NULL;
}

static inline int fake_setup(void **state)
{
    static const struct efi_guid acpi = { 0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81 } };

    (void)state;
    memset(&fake, 0, sizeof(fake));
    fake.boot = (struct efi_boot_services){
        .allocate_pages = fake_allocate, .free_pages = fake_free, .get_memory_map = fake_get_map,
        .handle_protocol = fake_handle_protocol, .exit_boot_services = fake_exit, .set_watchdog = fake_watchdog,
        .locate_protocol = fake_locate
    };
    fake.out.output_string = fake_output;
    fake.fs.open_volume = fake_open_volume;
    fake.shim.verify = fake_verify;
    fake.tables[0] = (struct efi_config_table){ acpi, &fake };
    fake.table = (struct efi_system_table){ .con_out = &fake.out, .boot = &fake.boot, .nr_tables = 2,
                                            .tables = fake.tables };
    fake.loaded.device = &fake.fs;
    fake.desc_size = FAKE_DESC;
    fake_started_as("\\EFI\\argon\\argon.efi", NULL);
    fake_forget();
    fake.files[fake.nr_files++] = (struct fake_file){ .path = "", .directory = true };
    fake.files[fake.nr_files++] = (struct fake_file){ .path = "\\EFI\\argon", .directory = true };
    return 0;
}

static inline int fake_teardown(void **state)
{
    (void)state;
    fake_forget();
    free(fake.options);
    free(fake.path);
    free(fake.firmware_tree);
    free(fake.firmware_copy);
    return 0;
}
#define fake_case(fn) cmocka_unit_test_setup_teardown(fn, fake_setup, fake_teardown)

void efi_hand_over(paddr_t tree)
{
    fake.tree = (void *)(uintptr_t)tree;
    longjmp(fake.jump, 1);
}

/* Start the application. True: it has handed over. What was said of an earlier start is forgotten. */
static inline bool fake_run_at(u64 el)
{
    fake_forget();
    if (setjmp(fake.jump) != 0) {
        return true;
    }
    fake.status = efi_main(&fake, &fake.table, el);
    return false;
}
static inline bool fake_run(void) { return fake_run_at(2); }

/* Back in firmware: all given back, and nothing of it has changed. */
static inline void fake_check_returned(void)
{
    assert_true(fake.status >> 63 != 0);
    assert_false(fake.gone);
    for (u32 i = 0; i < fake.nr_allocs; i++) {
        assert_false(fake.allocs[i].live);
    }
    for (u32 i = 0; i < fake.nr_handles; i++) {
        assert_false(fake.handles[i].open);
    }
    if (fake.firmware_tree != NULL) {
        assert_memory_equal(fake.firmware_tree, fake.firmware_copy, fdt_totalsize(fake.firmware_copy));
    }
}

/* Each line of the log begins so, and one of them has `text` in it. */
static inline void fake_said(const char *text)
{
    for (const char *p = fake.log; *p != '\0'; p = strchr(p, '\n') + 1) {
        assert_memory_equal(p, "Argon: ", 7);
        assert_non_null(strchr(p, '\n'));
    }
    if (strstr(fake.log, text) == NULL) {
        fail_msg("\"%s\" was not said, but:\n%s", text, fake.log);
    }
}

/* It returns to firmware, and says why. */
static inline void fake_refuses(const char *why)
{
    if (fake_run()) {
        fail_msg("started where \"%s\" was expected:\n%s", why, fake.log);
    }
    fake_said(why);
    fake_check_returned();
}

/* It hands over a sound tree with Linux's five properties. */
static inline void fake_starts(void)
{
    int chosen;
    const struct fake_alloc *map = NULL;
    u64 start;

    if (!fake_run()) {
        fail_msg("not started:\n%s", fake.log);
    }
    assert_true(fake.gone && fake.watchdog_off);
    assert_int_equal(fdt_check_full(fake.tree, fdt_totalsize(fake.tree)), 0);
    chosen = fdt_path_offset(fake.tree, "/chosen");
    assert_true(chosen > 0);
    assert_int_equal(fdt64_ld(fdt_getprop(fake.tree, chosen, "linux,uefi-system-table", NULL)), (uintptr_t)&fake.table);
    start = fdt64_ld(fdt_getprop(fake.tree, chosen, "linux,uefi-mmap-start", NULL));
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, chosen, "linux,uefi-mmap-size", NULL)), fake.map_bytes);
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, chosen, "linux,uefi-mmap-desc-size", NULL)), fake.desc_size);
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, chosen, "linux,uefi-mmap-desc-ver", NULL)), 1);
    for (u32 i = 0; i < fake.nr_allocs; i++) {
        map = fake.allocs[i].live && (u64)(uintptr_t)fake.allocs[i].at == start ? &fake.allocs[i] : map;
    }
    assert_non_null(map);
    for (u64 i = 0; i < fake.map_bytes; i++) {
        assert_int_equal(((u8 *)map->at)[i], (u8)(i / fake.desc_size + 1));
    }
}

/* ---- the tree that was handed over ---- */
static inline int tree_node(const char *path)
{
    int node = fdt_path_offset(fake.tree, path);

    if (node < 0) {
        fail_msg("no node %s", path);
    }
    return node;
}

/* A property of /chosen as a string; NULL: absent. */
static inline const char *chosen_string(const char *name)
{
    return fdt_getprop(fake.tree, tree_node("/chosen"), name, NULL);
}

/* The node has a reg in such cells that leads to these contents, at a page's start, with a NUL behind. */
static inline void check_reg(int node, u32 ac, u32 sc, const char *contents)
{
    int len;
    const u8 *reg = fdt_getprop(fake.tree, node, "reg", &len);
    u64 at, size;

    assert_non_null(reg);
    assert_int_equal(len, 4 * (ac + sc));
    at = ac == 2 ? fdt64_ld((const void *)reg) : fdt32_ld((const void *)reg);
    size = sc == 2 ? fdt64_ld((const void *)(reg + 4 * ac)) : fdt32_ld((const void *)(reg + 4 * ac));
    assert_int_equal(at % PAGE_SIZE, 0);
    assert_int_equal(size, strlen(contents));
    assert_string_equal((const char *)(uintptr_t)at, contents);
}

/* Below /chosen there is a module of this kind with these contents: its node. */
static inline int check_module(const char *kind, const char *contents)
{
    int node = fdt_node_offset_by_compatible(fake.tree, -1, kind);

    assert_true(node > 0);
    assert_int_equal(fdt_node_check_compatible(fake.tree, node, "multiboot,module"), 0);
    assert_int_equal(fdt_parent_offset(fake.tree, node), tree_node("/chosen"));
    check_reg(node, 2, 2, contents);
    return node;
}

#endif
