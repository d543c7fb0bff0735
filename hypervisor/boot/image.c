/* SPDX-License-Identifier: MIT */
/*
 * Kernel images: arm64 Image (Linux Documentation/arm64/booting.rst), gzip of one, U-Boot's uImage around either. What
 * else people try is named in the message.
 */
#include <argon/boot.h>
#include <argon/errno.h>
#include <argon/string.h>

struct image_header {            /* arm64 Image; little-endian */
    u32 code0, code1;
    u64 text_offset;
    u64 image_size;              /* with .bss; 0 before Linux 3.17 */
    u64 flags;
    u64 res[3];
    u32 magic, res5;
};

#define IMAGE_MAGIC0 0x14000008u /* code0 of old images: a branch over the header */
#define IMAGE_MAGIC1 0x644d5241u /* "ARM\x64" */
#define IMAGE_OLD_TEXT_OFFSET 0x80000u

struct uimage_header {           /* big-endian; U-Boot include/image.h */
    u32 magic, header_crc, time, size, load, entry, data_crc;
    u8 os, arch, type, compression;
    char name[32];
};

#define UIMAGE_MAGIC      0x27051956u
#define UIMAGE_ARCH_ARM   2
#define UIMAGE_ARCH_ARM64 22
#define UIMAGE_COMP_NONE  0
#define UIMAGE_COMP_GZIP  1

#define ZIMAGE_MAGIC_AT   0x24
#define ZIMAGE_MAGIC      0x016f2818u

/* Alignment is that of a boot module: none is promised. */
static boot_code u32 read_le32(const u8 *p)
{
    return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static boot_code u32 read_be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | (u32)p[3];
}

static boot_code bool is_gzip(const u8 *p, size_t len)
{
    return len >= 18 && p[0] == 0x1f && p[1] == 0x8b;
}

static boot_code int refuse(const char **why, const char *reason)
{
    *why = reason;
    return -EINVAL;
}

/* Not an Image: what is it? */
static boot_code const char *name_stranger(const u8 *head, size_t len)
{
    if (len >= ZIMAGE_MAGIC_AT + 4 && read_le32(head + ZIMAGE_MAGIC_AT) == ZIMAGE_MAGIC) {
        return "is a 32-bit ARM zImage: this release starts 64-bit kernels only";
    }
    if (len >= 4 && memcmp(head, "\x7f" "ELF", 4) == 0) {
        return "is an ELF file: an arm64 Image is wanted (arch/arm64/boot/Image)";
    }
    if (len >= 2 && memcmp(head, "MZ", 2) == 0) {
        return "is an EFI program without the arm64 Image header";
    }
    if (len >= 6 && memcmp(head, "070701", 6) == 0) {
        return "is a ramdisk (cpio), not a kernel";
    }
    return "is no kernel Argon knows (arm64 Image, its gzip, or a uImage of either)";
}

/* From the first bytes of an Image (of total bytes unpacked, 0 if unknown). */
static boot_code int probe_arm64(const u8 *head, size_t len, u64 total, struct image *img, const char **why)
{
    struct image_header h;

    if (len < sizeof(h)) {
        return refuse(why, "is too short for a kernel");
    }
    memcpy(&h, head, sizeof(h));
    if (h.magic != IMAGE_MAGIC1 && h.code0 != IMAGE_MAGIC0) {
        return refuse(why, name_stranger(head, len));
    }
    img->text_offset = h.image_size != 0 ? h.text_offset : IMAGE_OLD_TEXT_OFFSET;
    img->mem_size = MAX(h.image_size, total);
    if (img->text_offset >= GIB(1) || img->mem_size >= GIB(1024)) {
        return refuse(why, "has an arm64 Image header with impossible sizes");
    }
    return 0;
}

static boot_code int probe_payload(struct image *img, const char **why)
{
    u8 head[64];
    size_t got;
    int r;

    if (!is_gzip(img->data, img->len)) {
        return probe_arm64(img->data, img->len, img->len, img, why);
    }
    img->gzip = true;
    r = gunzip(img->data, img->len, head, sizeof(head), &got);
    if (r == -ENOMEM) {
        *why = "cannot be unpacked: out of memory";
        return r;
    }
    if (r != 0 && r != -ENOSPC) {
        return refuse(why, "is damaged (gzip)");
    }
    /* The last four bytes of a gzip file are its length unpacked. */
    return probe_arm64(head, got, read_le32(img->data + img->len - 4), img, why);
}

/*
 * A uImage of something else than an arm64 Image runs where its header says, or with load address 0 at the start of
 * RAM.
 */
static boot_code int probe_raw(const struct uimage_header *h, struct image *img, const char **why)
{
    u64 load = read_be32((const u8 *)&h->load), entry = read_be32((const u8 *)&h->entry);

    img->mem_size = img->gzip ? read_le32(img->data + img->len - 4) : img->len;
    if (entry < load || entry - load >= img->mem_size) {
        return refuse(why, "is a uImage whose entry point is outside it");
    }
    img->fixed = load != 0;
    img->load = load;
    img->entry = entry - load;
    img->text_offset = 0;
    return 0;
}

static boot_code int probe_uimage(const u8 *data, size_t len, struct image *img, const char **why)
{
    struct uimage_header h;
    u32 size;

    if (len < sizeof(h)) {
        return refuse(why, "is too short for a uImage");
    }
    memcpy(&h, data, sizeof(h));
    size = read_be32(data + offsetof(struct uimage_header, size));
    if (h.arch == UIMAGE_ARCH_ARM) {
        return refuse(why, "is a 32-bit ARM uImage: this release starts 64-bit kernels only");
    }
    if (h.arch != UIMAGE_ARCH_ARM64) {
        return refuse(why, "is a uImage for another architecture");
    }
    if (size == 0 || size > len - sizeof(h)) {
        return refuse(why, "is a uImage that is cut off");
    }
    if (h.compression != UIMAGE_COMP_NONE && h.compression != UIMAGE_COMP_GZIP) {
        return refuse(why, "is a uImage with a compression other than gzip");
    }
    img->data = data + sizeof(h);
    img->len = size;
    if (probe_payload(img, why) == 0) {
        return 0;
    }
    if (h.compression == UIMAGE_COMP_GZIP && !img->gzip) {
        return refuse(why, "is a uImage that says gzip but is not");
    }
    return probe_raw(&h, img, why);
}

boot_code int image_probe(const void *data, size_t len, struct image *img, const char **why)
{
    const u8 *p = data;

    memset(img, 0, sizeof(*img));
    img->data = p;
    img->len = len;
    if (len < 8) {
        return refuse(why, "is too short for a kernel");
    }
    if (read_be32(p) == UIMAGE_MAGIC) {
        return probe_uimage(p, len, img, why);
    }
    return probe_payload(img, why);
}

boot_code int image_load(const struct image *img, void *dst, size_t room, size_t *loaded, const char **why)
{
    int r;

    if (!img->gzip) {
        if (img->len > room) {
            *why = "does not fit";
            return -ENOSPC;
        }
        memcpy(dst, img->data, img->len);
        *loaded = img->len;
        return 0;
    }
    r = gunzip(img->data, img->len, dst, room, loaded);
    if (r != 0) {
        *why = r == -ENOSPC ? "is larger unpacked than its header says"
             : r == -ENOMEM ? "cannot be unpacked: out of memory" : "is damaged (gzip)";
    }
    return r;
}
