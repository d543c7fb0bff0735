/* SPDX-License-Identifier: MIT */
/* hypfs: the tree, reading, writing, malformed requests; and the toolstack's bitmaps. */
/* unit-sources: core/hypercall/hypfs.c core/hypercall/version.c core/hypercall/bitmap.c */
#include "unit.h"
#include <argon/console.h>
#include <argon/param.h>
#include <argon/version.h>

static u32 pools[4] = { 0, 3, 10 };
static u32 nr_pools = 3;

bool cpupool_next(u32 id, u32 *found)
{
    for (u32 i = 0; i < nr_pools; i++) {
        if (pools[i] >= id) {
            *found = pools[i];
            return true;
        }
    }
    return false;
}

void log_levels_format(char *buf, size_t size, u8 always, u8 limited)
{
    snprintf(buf, size, "%u/%u", always, limited);
}

bool log_levels_parse(const char *s, u8 *always, u8 *limited)
{
    return sscanf(s, "%hhu/%hhu", always, limited) == 2;
}

static struct vcpu *v;
static u64 buf_gva;
static u8 *buf;

static int setup(void **state)
{
    unit_setup(state);
    v = unit_domain(0, 1)->vcpu[0];
    unit_set_current(v);
    buf_gva = unit_guest_alloc(v->domain, PAGE_SIZE);
    buf = unit_guest_ptr(v->domain, buf_gva);
    memset(&opt, 0, sizeof(opt));
    return 0;
}
#define hypfs_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static long hypfs(u64 op, const char *path, u64 path_len, u64 size)
{
    memset(buf, op == XEN_HYPFS_OP_read ? 0xee : buf[0], op == XEN_HYPFS_OP_read ? PAGE_SIZE : 1);
    return do_hypfs_op(v, (u64[6]){ op, unit_guest_put(v->domain, path, strlen(path) + 1), path_len, buf_gva, size });
}

static long read_path(const char *path, u64 size)
{
    return hypfs(XEN_HYPFS_OP_read, path, strlen(path) + 1, size);
}

static const struct xen_hypfs_direntry *entry(void)
{
    return (const void *)buf;
}

static void check_listing(const char *dir, const char *const *names, u32 n)
{
    const u8 *p = buf + sizeof(struct xen_hypfs_direntry);
    const u8 *end;

    assert_int_equal(read_path(dir, PAGE_SIZE), 0);
    assert_int_equal(entry()->type, XEN_HYPFS_TYPE_DIR);
    assert_int_equal(entry()->pad, 0);
    end = p + entry()->content_len;
    for (u32 i = 0; i < n; i++) {
        const struct xen_hypfs_dirlistentry *e = (const void *)p;

        assert_true(p < end);
        assert_string_equal(e->name, names[i]);
        assert_int_equal(e->off_next == 0, i == n - 1);
        p += e->off_next;
    }
    assert_int_equal(*end, 0xee);
}

static void test_tree(void **state)
{
    static const char *const root[] = { "buildinfo", "cpupool", "params" };
    static const char *const buildinfo[] = { "changeset", "compileinfo", "config", "version" };
    static const char *const compile[] = { "compile_by", "compile_date", "compile_domain", "compiler" };
    static const char *const version[] = { "extra", "major", "minor" };
    static const char *const pool[] = { "0", "3", "10" };
    static const char *const in_pool[] = { "sched-gran" };
    static const char *const params[] = {
        "console_timestamps", "conswitch", "crash-debug-debugkey", "crash-debug-hwdom", "crash-debug-panic",
        "crash-debug-watchdog", "gnttab_max_frames", "gnttab_max_maptrack_frames", "guest_loglvl", "loglvl",
    };

    (void)state;
    check_listing("/", root, 3);
    check_listing("/buildinfo", buildinfo, 4);
    check_listing("/buildinfo/compileinfo", compile, 4);
    check_listing("/buildinfo/version", version, 3);
    check_listing("/cpupool", pool, 3);
    check_listing("/cpupool/10", in_pool, 1);
    check_listing("/params", params, 10);
}

static void check_string(const char *path, const char *expect)
{
    assert_int_equal(read_path(path, PAGE_SIZE), 0);
    assert_int_equal(entry()->type, XEN_HYPFS_TYPE_STRING);
    assert_int_equal(entry()->content_len, strlen(expect) + 1);
    assert_string_equal((char *)buf + 12, expect);
    assert_int_equal(buf[12 + strlen(expect) + 1], 0xee);
}

static void test_values(void **state)
{
    (void)state;
    opt.gnttab_max_frames = 64;
    opt.conswitch = 'a';
    opt.conswitch_noauto = true;
    check_string("/buildinfo/version/extra", version_info.extra);
    check_string("/cpupool/3/sched-gran", "cpu");
    check_string("/params/console_timestamps", "none");
    check_string("/params/conswitch", "ax");
    check_string("/params/crash-debug-panic", "");
    assert_int_equal(read_path("/buildinfo/version/minor", PAGE_SIZE), 0);
    assert_int_equal(entry()->type, XEN_HYPFS_TYPE_UINT);
    assert_int_equal(*(u32 *)(buf + 12), 17);
    assert_int_equal(read_path("/params/gnttab_max_frames", PAGE_SIZE), 0);
    assert_int_equal(*(u32 *)(buf + 12), 64);
    assert_int_equal(entry()->max_write_len, 0);
}

static void test_small_buffers(void **state)
{
    (void)state;
    assert_int_equal(read_path("/params/console_timestamps", 12), -ENOBUFS);
    assert_int_equal(entry()->content_len, 5);
    assert_int_equal(entry()->max_write_len, 16);
    assert_int_equal(buf[12], 0xee);
    assert_int_equal(read_path("/params/console_timestamps", 17), 0);
    assert_int_equal(read_path("/params/console_timestamps", 11), -EINVAL);
    assert_int_equal(buf[0], 0xee);
}

static void test_paths(void **state)
{
    static const char *const wrong[] = {
        "/nothing", "/cpupool/1", "/cpupool/03", "/cpupool/", "/cpupool/0/", "//", "/buildinfo/version/extra/x",
        "/cpupool/*", "/cpupool/4294967296", "/cpupool/99999999999999999999",
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(read_path(wrong[i], PAGE_SIZE), -ENOENT);
    }
    assert_int_equal(read_path("params", PAGE_SIZE), -EINVAL);
    assert_int_equal(read_path("", PAGE_SIZE), -EINVAL);
    assert_int_equal(hypfs(XEN_HYPFS_OP_read, "/params", 7, PAGE_SIZE), -EINVAL);
    assert_int_equal(hypfs(XEN_HYPFS_OP_read, "/params", 9, PAGE_SIZE), -EINVAL);
    assert_int_equal(hypfs(XEN_HYPFS_OP_read, "/params", 0, PAGE_SIZE), -EINVAL);
    assert_int_equal(hypfs(XEN_HYPFS_OP_read, "/params", XEN_HYPFS_MAX_PATHLEN + 1, PAGE_SIZE), -EINVAL);
    assert_int_equal(do_hypfs_op(v, (u64[6]){ XEN_HYPFS_OP_read, 0xdead000, 8, buf_gva, 64 }), -EFAULT);
}

static long write_path(const char *path, const char *value, u64 size)
{
    strcpy((char *)buf, value);
    return hypfs(XEN_HYPFS_OP_write_contents, path, strlen(path) + 1, size);
}

static void test_write(void **state)
{
    (void)state;
    assert_int_equal(write_path("/params/console_timestamps", "boot", 5), 0);
    assert_true(opt.console_timestamps);
    assert_int_equal(write_path("/params/console_timestamps", "none", 5), 0);
    assert_false(opt.console_timestamps);
    assert_int_equal(write_path("/params/console_timestamps", "datems", 7), -EINVAL);
    assert_int_equal(write_path("/params/console_timestamps", "boot", 4), -EINVAL);
    assert_int_equal(write_path("/params/console_timestamps", "boot", 0), -EINVAL);
    assert_int_equal(write_path("/params/console_timestamps", "boot", 17), -ENOSPC);
    assert_int_equal(write_path("/params/loglvl", "3/4", 4), 0);
    assert_int_equal(opt.loglvl, 3);
    assert_int_equal(opt.loglvl_limited, 4);
    check_string("/params/loglvl", "3/4");
    assert_int_equal(write_path("/params/guest_loglvl", "x", 2), -EINVAL);
    assert_int_equal(write_path("/params", "x", 2), -EACCES);
    assert_int_equal(write_path("/buildinfo/changeset", "x", 2), -EACCES);
    assert_int_equal(write_path("/nothing", "x", 2), -ENOENT);
}

static void test_operations(void **state)
{
    (void)state;
    assert_int_equal(do_hypfs_op(v, (u64[6]){ XEN_HYPFS_OP_get_version }), 1);
    assert_int_equal(do_hypfs_op(v, (u64[6]){ XEN_HYPFS_OP_get_version, 0, 0, 0, 1 }), -EINVAL);
    assert_int_equal(do_hypfs_op(v, (u64[6]){ 3 }), -ENOSYS);
    unit_set_current(pcpus[0]->idle);
    v = unit_domain(1, 1)->vcpu[0];
    unit_set_current(v);
    assert_int_equal(do_hypfs_op(v, (u64[6]){ XEN_HYPFS_OP_get_version }), -EPERM);
}

/* ---- bitmaps ---- */

static struct xenctl_bitmap map_of(u32 nr_bits)
{
    struct xenctl_bitmap m = { .nr_bits = nr_bits };

    m.bitmap.q = buf_gva;
    memset(buf, 0xff, PAGE_SIZE);
    return m;
}

static void test_bitmap_in(void **state)
{
    struct xenctl_bitmap m = map_of(5);
    u64 words[2];

    (void)state;
    assert_int_equal(bitmap_from_guest(words, 128, &m), 0);
    assert_int_equal(words[0], 0x1f);
    assert_int_equal(words[1], 0);
    m = map_of(70);
    assert_int_equal(bitmap_from_guest(words, 128, &m), 0);
    assert_int_equal(words[0], ~0UL);
    assert_int_equal(words[1], 0x3f);
    m = map_of(100000);
    assert_int_equal(bitmap_from_guest(words, 128, &m), 0);
    assert_int_equal(words[1], ~0UL);
    m = map_of(0);
    assert_int_equal(bitmap_from_guest(words, 128, &m), 0);
    assert_int_equal(words[0], 0);
    m = map_of(8);
    m.bitmap.q = 0xdead000;
    assert_int_equal(bitmap_from_guest(words, 128, &m), -EFAULT);
}

static void test_bitmap_out(void **state)
{
    u64 words[2] = { 0x8000000000000107UL, ~0UL };
    struct xenctl_bitmap m = map_of(2);

    (void)state;
    assert_int_equal(bitmap_to_guest(&m, words, 128), 0);
    assert_int_equal(buf[0], 3);
    assert_int_equal(buf[1], 0xff);
    m = map_of(9);
    assert_int_equal(bitmap_to_guest(&m, words, 128), 0);
    assert_int_equal(buf[0], 7);
    assert_int_equal(buf[1], 1);
    assert_int_equal(buf[2], 0xff);
    m = map_of(160);
    assert_int_equal(bitmap_to_guest(&m, words, 128), 0);
    assert_int_equal(buf[15], 0xff);
    assert_int_equal(buf[16], 0);
    assert_int_equal(buf[19], 0);
    assert_int_equal(buf[20], 0xff);
    m = map_of(~0U);                     /* a page of it at most */
    assert_int_equal(bitmap_to_guest(&m, words, 128), 0);
    assert_int_equal(buf[PAGE_SIZE - 1], 0);
    m = map_of(64);
    m.bitmap.q = 0;
    assert_int_equal(bitmap_to_guest(&m, words, 128), 0);
    m.bitmap.q = 0xdead000;
    assert_int_equal(bitmap_to_guest(&m, words, 128), -EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        hypfs_case(test_tree),
        hypfs_case(test_values),
        hypfs_case(test_small_buffers),
        hypfs_case(test_paths),
        hypfs_case(test_write),
        hypfs_case(test_operations),
        hypfs_case(test_bitmap_in),
        hypfs_case(test_bitmap_out),
    };

    return cmocka_run_group_tests_name("hypercall_hypfs", tests, NULL, NULL);
}
