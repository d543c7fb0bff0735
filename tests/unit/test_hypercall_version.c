/* SPDX-License-Identifier: MIT */
/* xen_version, every sub-operation. */
/* unit-sources: core/hypercall/version.c */
#include "unit.h"
#include <argon/param.h>
#include <argon/version.h>

static struct vcpu *guest(u16 id)
{
    struct domain *d = unit_domain(id, 1);

    unit_set_current(d->vcpu[0]);
    return d->vcpu[0];
}

static long version(struct vcpu *v, u64 cmd, u64 gva)
{
    u64 args[6] = { cmd, gva };

    return do_xen_version(v, args);
}

static void test_numbers(void **state)
{
    struct vcpu *v = guest(1);

    (void)state;
    assert_int_equal(version(v, XENVER_version, 0), 4 << 16 | 17);
    assert_int_equal(version(v, XENVER_pagesize, 0), 4096);
    assert_int_equal(version(v, XENVER_pagesize, 8), -EINVAL);
    assert_int_equal(version(v, 11, 0), -ENOSYS);
    assert_int_equal(version(v, ~0U, 0), -ENOSYS);
    assert_int_equal(version(v, XENVER_extraversion, 0xdead000), -EFAULT);
}

/* Every byte of the ABI's buffer is written: what was there does not show, and nothing beyond is touched. */
static void check_string(struct vcpu *v, u64 cmd, size_t size, const char *expect)
{
    u64 gpa = unit_guest_alloc(v->domain, PAGE_SIZE);
    char *p = unit_guest_ptr(v->domain, gpa);

    memset(p, 0xee, PAGE_SIZE);
    assert_int_equal(version(v, cmd, gpa), 0);
    assert_string_equal(p, expect);
    for (size_t i = strlen(expect); i < size; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_int_equal((u8)p[size], 0xee);
}

static void test_strings(void **state)
{
    struct vcpu *v = guest(0);

    (void)state;
    strcpy(opt.cmdline, "console=dtuart loglvl=all");
    check_string(v, XENVER_extraversion, 16, version_info.extra);
    check_string(v, XENVER_capabilities, 1024, "xen-3.0-aarch64 ");
    check_string(v, XENVER_changeset, 64, version_info.changeset);
    check_string(v, XENVER_commandline, 1024, "console=dtuart loglvl=all");
    assert_true(strlen(version_info.extra) < 16);
}

static void test_command_line_is_private(void **state)
{
    struct vcpu *v = guest(1);

    (void)state;
    strcpy(opt.cmdline, "secret");
    check_string(v, XENVER_commandline, 1024, "<denied>");
    assert_int_equal(version(v, XENVER_build_id, 0), -EPERM);
}

static void test_compile_info(void **state)
{
    struct vcpu *v = guest(1);
    u64 gpa = unit_guest_alloc(v->domain, PAGE_SIZE);
    struct xen_compile_info *info = unit_guest_ptr(v->domain, gpa);

    (void)state;
    memset(info, 0xee, sizeof(*info));
    assert_int_equal(version(v, XENVER_compile_info, gpa), 0);
    assert_int_equal(info->compiler[63], 0);
    assert_string_equal(info->compile_by, version_info.compile_by);
    assert_string_equal(info->compile_date, version_info.compile_date);
    assert_int_equal(info->compile_domain[31], 0);
}

static u32 features_of(struct vcpu *v, u32 submap, long expect)
{
    struct xen_feature_info fi = { .submap_idx = submap, .submap = 0xffffffff };
    u64 gpa = unit_guest_put(v->domain, &fi, sizeof(fi));

    assert_int_equal(version(v, XENVER_get_features, gpa), expect);
    return ((struct xen_feature_info *)unit_guest_ptr(v->domain, gpa))->submap;
}

static void test_features(void **state)
{
    struct vcpu *v = guest(0);

    (void)state;
    v->domain->direct_mapped = true;
    assert_int_equal(features_of(v, 0, 0), 0x26805);
    assert_int_equal(features_of(guest(1), 0, 0), 0x16005);
    features_of(v = guest(2), 1, -EINVAL);
}

static void test_handle_and_parameters(void **state)
{
    struct vcpu *v = guest(1);
    u64 gpa = unit_guest_alloc(v->domain, PAGE_SIZE);

    (void)state;
    memset(v->domain->handle, 0x5a, 16);
    assert_int_equal(version(v, XENVER_guest_handle, gpa), 0);
    assert_memory_equal(unit_guest_ptr(v->domain, gpa), v->domain->handle, 16);
    assert_int_equal(version(v, XENVER_platform_parameters, gpa), 0);
    assert_int_equal(*(u64 *)unit_guest_ptr(v->domain, gpa), 0x200000);
}

static void test_build_id(void **state)
{
    struct vcpu *v = guest(0);
    u64 gpa = unit_guest_alloc(v->domain, PAGE_SIZE);
    u32 *len = unit_guest_ptr(v->domain, gpa);
    u8 first[20];

    (void)state;
    assert_int_equal(version(v, XENVER_build_id, 0), 20);
    *len = 0;
    assert_int_equal(version(v, XENVER_build_id, gpa), -EINVAL);
    *len = 19;
    assert_int_equal(version(v, XENVER_build_id, gpa), -ENOBUFS);
    *len = 20;
    assert_int_equal(version(v, XENVER_build_id, gpa), 20);
    memcpy(first, len + 1, 20);
    assert_int_equal(version(v, XENVER_build_id, gpa), 20);
    assert_memory_equal(first, len + 1, 20);
    assert_int_equal(version(v, XENVER_build_id, 0xdead000), -EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_numbers),
        unit_case(test_strings),
        unit_case(test_command_line_is_private),
        unit_case(test_compile_info),
        unit_case(test_features),
        unit_case(test_handle_and_parameters),
        unit_case(test_build_id),
    };

    return cmocka_run_group_tests_name("hypercall_version", tests, NULL, NULL);
}
