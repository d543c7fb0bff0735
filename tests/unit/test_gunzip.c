/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/gunzip.c */
/* unit-libs: -lz */
/* gzip: whole, into too little room, cut off, damaged. */
#include "unit.h"
#include <argon/boot.h>
#include <zlib.h>

#define LEN 300000
static u8 plain[LEN], packed_data[LEN + 1000], out[LEN + 64];

static size_t pack(void)
{
    z_stream z = { .next_in = plain, .avail_in = LEN, .next_out = packed_data, .avail_out = sizeof(packed_data) };

    for (size_t i = 0; i < LEN; i++) {
        plain[i] = (u8)(i * 7 / (1 + i % 13));
    }
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void test_whole(void **state)
{
    size_t n = pack(), got;

    (void)state;
    assert_int_equal(gunzip(packed_data, n, out, sizeof(out), &got), 0);
    assert_int_equal(got, LEN);
    assert_memory_equal(out, plain, LEN);
    /* Exactly enough room, and something behind it. */
    memset(out, 0xee, sizeof(out));
    memset(packed_data + n, 0x55, 100);
    assert_int_equal(gunzip(packed_data, n + 100, out, LEN, &got), 0);
    assert_int_equal(got, LEN);
    assert_int_equal(out[LEN], 0xee);
    assert_int_equal(unit_allocs(), 0);
}

static void test_too_little_room(void **state)
{
    size_t n = pack(), got;

    (void)state;
    for (size_t room = 0; room <= 64; room += 32) {
        memset(out, 0xee, sizeof(out));
        assert_int_equal(gunzip(packed_data, n, out, room, &got), -ENOSPC);
        assert_int_equal(got, room);
        assert_memory_equal(out, plain, room);
        assert_int_equal(out[room], 0xee);
    }
    assert_int_equal(gunzip(packed_data, n, out, LEN - 1, &got), -ENOSPC);
    assert_int_equal(unit_allocs(), 0);
}

static void test_damaged(void **state)
{
    size_t n = pack(), got;

    (void)state;
    assert_int_equal(gunzip(packed_data, n - 1, out, sizeof(out), &got), -EINVAL);
    assert_int_equal(gunzip(packed_data, n / 2, out, sizeof(out), &got), -EINVAL);
    assert_int_equal(gunzip(packed_data, 0, out, sizeof(out), &got), -EINVAL);
    packed_data[n - 6] ^= 1;     /* checksum */
    assert_int_equal(gunzip(packed_data, n, out, sizeof(out), &got), -EINVAL);
    assert_int_equal(gunzip("not gzip at all, really", 23, out, sizeof(out), &got), -EINVAL);
    for (u32 i = 0; i < 200; i++) {
        pack();
        packed_data[20 + i * 97] ^= (u8)(1 + i);
        (void)!gunzip(packed_data, n, out, sizeof(out), &got);
        assert_true(got <= sizeof(out));
    }
    assert_int_equal(unit_allocs(), 0);
}

static void test_no_memory(void **state)
{
    size_t n = pack(), got;

    (void)state;
    unit_alloc_fail_after = 0;
    assert_int_equal(gunzip(packed_data, n, out, sizeof(out), &got), -ENOMEM);
    unit_alloc_fail_after = 1;   /* the window of an incomplete unpacking */
    assert_int_equal(gunzip(packed_data, n, out, 64, &got), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(unit_allocs(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_whole), unit_case(test_too_little_room), unit_case(test_damaged), unit_case(test_no_memory)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
