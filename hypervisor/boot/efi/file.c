/* SPDX-License-Identifier: MIT */
/* Files beside the program, by firmware's own file system (UEFI 2.10, 13.4, 13.5). */
#include "efi.h"

#include <argon/string.h>

static const struct efi_guid fs_guid = {
    0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

static boot_code size_t node_length(const struct efi_path_node *n)
{
    return (size_t)n->length[0] | (size_t)n->length[1] << 8;
}

/*
 * The file's path of a device path, which may come in pieces (10.3.5.4), into out. False: there is none, or it is too
 * long.
 */
static boot_code bool file_path(const struct efi_path_node *n, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    for (; n != NULL && n->type != EFI_PATH_END; n = (const void *)((const u8 *)n + node_length(n))) {
        size_t len = node_length(n);

        if (len < sizeof(*n)) {
            return false;
        }
        if (n->type != EFI_PATH_MEDIA || n->subtype != EFI_PATH_FILE) {
            continue;
        }
        if (used != 0 && out[used - 1] != '\\' && used + 1 < EFI_NAME_MAX) {
            out[used++] = '\\';
        }
        if (!efi_narrow(out + used, EFI_NAME_MAX - used, n + 1, (len - sizeof(*n)) / 2)) {
            return false;
        }
        used += strlen(out + used);
    }
    return used != 0;
}

boot_code bool efi_open_directory(struct efi *e, char *name)
{
    char path[EFI_NAME_MAX];
    u16 wide[EFI_NAME_MAX];
    struct efi_file_system *fs;
    void *found;
    struct efi_file *root;
    efi_status s = EFI_UNSUPPORTED;
    char *last;

    if (e->loaded->device != NULL) {
        s = e->boot->handle_protocol(e->loaded->device, &fs_guid, &found);
    }
    if (s != EFI_SUCCESS || !file_path(e->loaded->path, path)) {
        efi_say(e, "was not loaded from a file system, or by a name of more than %u characters: no file can be read",
                EFI_NAME_MAX - 1);
        return false;
    }
    fs = found;
    s = fs->open_volume(fs, &root);
    if (s != EFI_SUCCESS) {
        efi_say(e, "the file system it was loaded from cannot be opened: %s", efi_error(s));
        return false;
    }
    last = strrchr(path, '\\');
    (void)str_copy(name, last != NULL ? last + 1 : path, EFI_NAME_MAX);
    if (last == NULL || last == path) {
        e->dir = root;
        return true;
    }
    *last = '\0';
    (void)efi_widen_path(wide, path);
    s = root->open(root, &e->dir, wide, EFI_FILE_READ, 0);
    (void)root->close(root);
    if (s != EFI_SUCCESS) {
        efi_say(e, "%s: cannot be opened: %s", path, efi_error(s));
        e->dir = NULL;
        return false;
    }
    return true;
}

/* Firmware's drivers are known to fail with very large reads. */
#define READ_PIECE MIB(64)

static boot_code efi_status read_all(struct efi_file *f, u8 *data, u64 size)
{
    u64 done = 0;

    while (done < size) {
        u64 n = MIN(size - done, READ_PIECE);
        efi_status s = f->read(f, &n, data + done);

        if (s != EFI_SUCCESS) {
            return s;
        }
        if (n == 0 || n > size - done) {
            return EFI_LOAD_ERROR;       /* shorter than it said */
        }
        done += n;
    }
    return EFI_SUCCESS;
}

static boot_code efi_status file_size(struct efi_file *f, u64 *size)
{
    efi_status s = f->set_position(f, UINT64_MAX);

    if (s == EFI_SUCCESS) {
        s = f->get_position(f, size);
    }
    return s == EFI_SUCCESS ? f->set_position(f, 0) : s;
}

static boot_code enum efi_found load_opened(struct efi *e, struct efi_file *f, const char *name, struct efi_blob *out)
{
    efi_status s = file_size(f, &out->size);

    if (s != EFI_SUCCESS) {
        efi_say(e, "%s: is no file that can be read: %s", name, efi_error(s));
        return EFI_FILE_FAILED;
    }
    if (out->size == 0 || out->size > UINT32_MAX) {
        efi_say(e, "%s: %s", name, out->size == 0 ? "is empty" : "is 4 GiB or larger");
        return EFI_FILE_FAILED;
    }
    out->data = efi_pages(e, out->size + 1, name);
    if (out->data == NULL) {
        return EFI_FILE_FAILED;
    }
    out->data[out->size] = '\0';
    s = read_all(f, out->data, out->size);
    if (s != EFI_SUCCESS) {
        efi_say(e, "%s: cannot be read: %s", name, efi_error(s));
        efi_unload(e, out);
        return EFI_FILE_FAILED;
    }
    return EFI_FILE_LOADED;
}

boot_code enum efi_found efi_load(struct efi *e, const char *name, struct efi_blob *out)
{
    u16 wide[EFI_NAME_MAX];
    struct efi_file *f;
    enum efi_found found;
    efi_status s;

    *out = (struct efi_blob){ .data = NULL };
    if (!efi_widen_path(wide, name)) {
        efi_say(e, "the name of a file is longer than %u characters: %s", EFI_NAME_MAX - 1, name);
        return EFI_FILE_FAILED;
    }
    s = e->dir->open(e->dir, &f, wide, EFI_FILE_READ, 0);
    if (s == EFI_NOT_FOUND) {
        return EFI_FILE_ABSENT;
    }
    if (s != EFI_SUCCESS) {
        efi_say(e, "%s: cannot be opened: %s", name, efi_error(s));
        return EFI_FILE_FAILED;
    }
    found = load_opened(e, f, name, out);
    (void)f->close(f);
    return found;
}

boot_code void efi_unload(struct efi *e, struct efi_blob *b)
{
    if (b->data != NULL) {
        efi_pages_free(e, b->data);
        b->data = NULL;
    }
}
