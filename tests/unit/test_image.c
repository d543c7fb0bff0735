/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/image.c boot/gunzip.c */
/* unit-libs: -lz */
/* Kernel images: what is accepted, what it needs, and what is said of the rest. */
#include "unit.h"
#include <argon/boot.h>
#include <zlib.h>

#define LEN 0x9000
static u8 image[LEN], packed_data[LEN + 1000], wrapped[LEN + 2000], out[LEN + 100];
static struct image img;
static const char *why;

static void put_le(u8 *p, u64 v, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++) {
        p[i] = (u8)(v >> (8 * i));
    }
}

static void put_be32(u8 *p, u32 v)
{
    for (u32 i = 0; i < 4; i++) {
        p[i] = (u8)(v >> (24 - 8 * i));
    }
}

static void make_image(u64 text_offset, u64 image_size)
{
    for (size_t i = 0; i < LEN; i++) {
        image[i] = (u8)(i * 31);
    }
    put_le(image, 0x91005a4d, 4);
    put_le(image + 8, text_offset, 8);
    put_le(image + 16, image_size, 8);
    memcpy(image + 56, "ARM\x64", 4);
}

static size_t gzip(const u8 *data, size_t len)
{
    z_stream z = { .avail_in = (uInt)len, .next_out = packed_data, .avail_out = sizeof(packed_data) };

    z.next_in = (Bytef *)(uintptr_t)data;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static size_t uimage(const u8 *data, size_t len, u8 arch, u8 compression, u32 load, u32 entry)
{
    memset(wrapped, 0, 64);
    put_be32(wrapped, 0x27051956);
    put_be32(wrapped + 12, (u32)len);
    put_be32(wrapped + 16, load);
    put_be32(wrapped + 20, entry);
    wrapped[29] = arch;
    wrapped[30] = 2;
    wrapped[31] = compression;
    memcpy(wrapped + 64, data, len);
    return len + 64;
}

static void refused(const void *data, size_t len, const char *reason)
{
    why = "nothing";
    assert_int_equal(image_probe(data, len, &img, &why), -EINVAL);
    if (strstr(why, reason) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", why, reason);
    }
}

static void load_and_compare(void)
{
    size_t n = 0;

    memset(out, 0xee, sizeof(out));
    assert_int_equal(image_load(&img, out, MIN(img.mem_size, sizeof(out)), &n, &why), 0);
    assert_int_equal(n, LEN);
    assert_memory_equal(out, image, LEN);
    assert_int_equal(out[LEN], 0xee);
}

static void test_plain(void **state)
{
    size_t n;

    (void)state;
    make_image(0x10000, 0x20000);
    assert_int_equal(image_probe(image, LEN, &img, &why), 0);
    assert_false(img.gzip);
    assert_false(img.fixed);
    assert_int_equal(img.text_offset, 0x10000);
    assert_int_equal(img.mem_size, 0x20000);
    assert_int_equal(img.entry, 0);
    load_and_compare();
    assert_int_equal(image_load(&img, out, LEN - 1, &n, &why), -ENOSPC);
    make_image(0, LEN - 0x1000);             /* the file is longer than its header says */
    assert_int_equal(image_probe(image, LEN, &img, &why), 0);
    assert_int_equal(img.mem_size, LEN);
    make_image(0x1234, 0);                   /* before Linux 3.17 */
    assert_int_equal(image_probe(image, LEN, &img, &why), 0);
    assert_int_equal(img.text_offset, 0x80000);
    memset(image + 56, 0, 4);                /* told by its first instruction only */
    put_le(image, 0x14000008, 4);
    assert_int_equal(image_probe(image, LEN, &img, &why), 0);
}

static void test_gzipped(void **state)
{
    size_t n, got;

    (void)state;
    make_image(0x80000, 0x20000);
    n = gzip(image, LEN);
    assert_int_equal(image_probe(packed_data, n, &img, &why), 0);
    assert_true(img.gzip);
    assert_int_equal(img.text_offset, 0x80000);
    assert_int_equal(img.mem_size, 0x20000);
    load_and_compare();
    assert_int_equal(image_load(&img, out, LEN - 1, &got, &why), -ENOSPC);
    assert_non_null(strstr(why, "larger unpacked"));
    packed_data[n - 7] ^= 0x10;              /* its checksum: seen when it is unpacked as a whole */
    assert_int_equal(image_probe(packed_data, n, &img, &why), 0);
    assert_int_equal(image_load(&img, out, sizeof(out), &got, &why), -EINVAL);
    assert_non_null(strstr(why, "damaged"));
    packed_data[10] = 0xff;
    refused(packed_data, n, "damaged (gzip)");
    unit_alloc_fail_after = 0;
    n = gzip(image, LEN);
    assert_int_equal(image_probe(packed_data, n, &img, &why), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    n = gzip((const u8 *)"just text, no kernel. just text, no kernel. just text, no kernel.", 65);
    refused(packed_data, n, "no kernel Argon knows");
    n = gzip((const u8 *)"tiny", 4);
    refused(packed_data, n, "too short");
}

static void test_uimage(void **state)
{
    size_t n;

    (void)state;
    make_image(0, 0x20000);
    n = uimage(image, LEN, 22, 0, 0x80080000, 0x80080000);
    assert_int_equal(image_probe(wrapped, n, &img, &why), 0);
    assert_false(img.fixed);                 /* an Image goes where Images go */
    assert_int_equal(img.mem_size, 0x20000);
    load_and_compare();
    n = uimage(packed_data, gzip(image, LEN), 22, 1, 0, 0);
    assert_int_equal(image_probe(wrapped, n, &img, &why), 0);
    assert_true(img.gzip);
    load_and_compare();
    refused(wrapped, n - 1, "cut off");
    n = uimage(image, LEN, 2, 0, 0, 0);
    refused(wrapped, n, "32-bit ARM uImage");
    n = uimage(image, LEN, 3, 0, 0, 0);
    refused(wrapped, n, "another architecture");
    n = uimage(image, LEN, 22, 4, 0, 0);
    refused(wrapped, n, "compression other than gzip");
    n = uimage(image, 0, 22, 0, 0, 0);
    refused(wrapped, n, "cut off");
    refused(wrapped, 63, "too short for a uImage");
}

static void test_raw_uimage(void **state)
{
    size_t n;

    (void)state;
    for (size_t i = 0; i < LEN; i++) {
        image[i] = (u8)i;
    }
    n = uimage(image, LEN, 22, 0, 0x48000000, 0x48000040);
    assert_int_equal(image_probe(wrapped, n, &img, &why), 0);
    assert_true(img.fixed);
    assert_int_equal(img.load, 0x48000000);
    assert_int_equal(img.entry, 0x40);
    assert_int_equal(img.mem_size, LEN);
    load_and_compare();
    n = uimage(packed_data, gzip(image, LEN), 22, 1, 0, 0);
    assert_int_equal(image_probe(wrapped, n, &img, &why), 0);
    assert_false(img.fixed);
    assert_int_equal(img.mem_size, LEN);
    load_and_compare();
    n = uimage(image, LEN, 22, 0, 0x48000000, 0x47ffffff);
    refused(wrapped, n, "entry point is outside");
    n = uimage(image, LEN, 22, 0, 0x48000000, 0x48000000 + LEN);
    refused(wrapped, n, "entry point is outside");
    n = uimage(image, LEN, 22, 1, 0, 0);
    refused(wrapped, n, "says gzip but is not");
}

static void test_strangers(void **state)
{
    (void)state;
    memset(image, 0, LEN);
    refused(image, LEN, "no kernel Argon knows");
    refused(image, 7, "too short");
    refused(image, 60, "too short");
    put_le(image + 0x24, 0x016f2818, 4);
    refused(image, LEN, "32-bit ARM zImage");
    memset(image, 0, LEN);
    memcpy(image, "\177ELF", 4);
    refused(image, LEN, "ELF");
    memcpy(image, "MZ\0\0", 4);
    refused(image, LEN, "EFI program");
    memcpy(image, "070701", 6);
    refused(image, LEN, "ramdisk");
    make_image(GIB(2), 0x20000);
    refused(image, LEN, "impossible sizes");
    make_image(0, ~0UL);
    refused(image, LEN, "impossible sizes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_plain), unit_case(test_gzipped), unit_case(test_uimage), unit_case(test_raw_uimage),
        unit_case(test_strangers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
