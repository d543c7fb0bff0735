/* SPDX-License-Identifier: MIT */
/*
 * xen_version (public version.h): what this hypervisor says it is. Tools choose their directory by XENVER_version.
 */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/nospec.h>
#include <argon/param.h>
#include <argon/string.h>
#include <argon/version.h>

const struct version_info version_info = {
    .extra = ".0-argon",
    .changeset = "argon",
    .capabilities = "xen-3.0-aarch64 ",
    .compiler = "cc (C11) " __VERSION__,
    .compile_by = "argon",
    .compile_domain = "argon.invalid",
    .compile_date = "not recorded (reproducible)",
};

#define BUILD_ID_LEN 20

typedef long version_fn(struct vcpu *v, u64 gva);

static const u8 version_right[] = { VERSION_OPS(ROW_RIGHT) };

/* A fixed-size buffer of the ABI with a string in it, zero-padded. */
static long put_string(u64 gva, const char *s, size_t size)
{
    char buf[128];
    size_t len = strnlen(s, MIN(size, sizeof(buf)) - 1);

    memset(buf, 0, sizeof(buf));
    memcpy(buf, s, len);
    if (copy_to_guest(gva, buf, MIN(size, sizeof(buf))) != 0) {
        return -EFAULT;
    }
    if (size > sizeof(buf) && clear_guest(gva + sizeof(buf), size - sizeof(buf)) != 0) {
        return -EFAULT;
    }
    return 0;
}

static long ver_version(struct vcpu *v, u64 gva)
{
    (void)v;
    (void)gva;
    return ARGON_XEN_MAJOR << 16 | ARGON_XEN_MINOR;
}

static long ver_extraversion(struct vcpu *v, u64 gva)
{
    (void)v;
    return put_string(gva, version_info.extra, sizeof(xen_extraversion_t));
}

static long ver_compile_info(struct vcpu *v, u64 gva)
{
    struct xen_compile_info info;

    (void)v;
    memset(&info, 0, sizeof(info));
    str_copy(info.compiler, version_info.compiler, sizeof(info.compiler));
    str_copy(info.compile_by, version_info.compile_by, sizeof(info.compile_by));
    str_copy(info.compile_domain, version_info.compile_domain, sizeof(info.compile_domain));
    str_copy(info.compile_date, version_info.compile_date, sizeof(info.compile_date));
    return copy_to_guest(gva, &info, sizeof(info));
}

static long ver_capabilities(struct vcpu *v, u64 gva)
{
    (void)v;
    return put_string(gva, version_info.capabilities, sizeof(xen_capabilities_info_t));
}

static long ver_changeset(struct vcpu *v, u64 gva)
{
    (void)v;
    return put_string(gva, version_info.changeset, sizeof(xen_changeset_info_t));
}

static long ver_platform_parameters(struct vcpu *v, u64 gva)
{
    struct xen_platform_parameters p = { .virt_start = 0x200000 };   /* of no use to anybody on ARM; Xen's value */

    (void)v;
    return copy_to_guest(gva, &p, sizeof(p));
}

static u32 features(const struct domain *d)
{
    u32 f = BIT32(XENFEAT_writable_page_tables) | BIT32(XENFEAT_auto_translated_physmap) |
            BIT32(XENFEAT_memory_op_vnode_supported) | BIT32(XENFEAT_ARM_SMCCC_supported);

    f |= permit_call(RIGHT_CONTROL, d) == 0 ? BIT32(XENFEAT_dom0) : 0;
    return f | (d->direct_mapped ? BIT32(XENFEAT_direct_mapped) : BIT32(XENFEAT_not_direct_mapped));
}

static long ver_get_features(struct vcpu *v, u64 gva)
{
    struct xen_feature_info fi;

    if (copy_from_guest(&fi, gva, sizeof(fi)) != 0) {
        return -EFAULT;
    }
    fi.submap = 0;
    if (fi.submap_idx >= XENFEAT_NR_SUBMAPS) {
        return -EINVAL;
    }
    fi.submap = features(v->domain);
    return copy_to_guest(gva, &fi, sizeof(fi));
}

static long ver_pagesize(struct vcpu *v, u64 gva)
{
    (void)v;
    return gva != 0 ? -EINVAL : (long)PAGE_SIZE;
}

static long ver_guest_handle(struct vcpu *v, u64 gva)
{
    return copy_to_guest(gva, v->domain->handle, sizeof(v->domain->handle));
}

/* May hold secrets of the machine's owner. */
static long ver_commandline(struct vcpu *v, u64 gva)
{
    static const char denied[] = "<denied>";
    const char *s = permit_call(version_right[XENVER_commandline], v->domain) == 0 ? opt.cmdline : denied;
    size_t n = strnlen(s, sizeof(xen_commandline_t) - 1);

    if (copy_to_guest(gva, s, n) != 0 || clear_guest(gva + n, sizeof(xen_commandline_t) - n) != 0) {
        return -EFAULT;
    }
    return 0;
}

/*
 * Two builds of different version or compiler differ in it; there is no linker note to take it from (FNV-1a, widened).
 */
static void build_id(u8 out[BUILD_ID_LEN])
{
    const char *const parts[] = {
        version_info.extra, version_info.changeset, version_info.compiler, version_info.compile_date,
    };
    u64 h = UINT64_C(0xcbf29ce484222325);

    for (u32 i = 0; i < BUILD_ID_LEN; i++) {
        for (const char *c = parts[i % ARRAY_SIZE(parts)]; *c != '\0'; c++) {
            h = (h ^ (u8)*c) * UINT64_C(0x100000001b3);
        }
        out[i] = (u8)(h >> 32);
    }
}

static long ver_build_id(struct vcpu *v, u64 gva)
{
    struct xen_build_id head;
    u8 id[BUILD_ID_LEN];
    int rc = permit_call(version_right[XENVER_build_id], v->domain);

    if (rc != 0) {
        return rc;
    }
    if (gva == 0) {
        return BUILD_ID_LEN;
    }
    if (copy_from_guest(&head, gva, offsetof(struct xen_build_id, buf)) != 0) {
        return -EFAULT;
    }
    if (head.len == 0) {
        return -EINVAL;
    }
    if (head.len < BUILD_ID_LEN) {
        return -ENOBUFS;
    }
    build_id(id);
    if (copy_to_guest(gva + offsetof(struct xen_build_id, buf), id, sizeof(id)) != 0) {
        return -EFAULT;
    }
    return BUILD_ID_LEN;
}

static long ver_none(struct vcpu *v, u64 gva)
{
    (void)v;
    (void)gva;
    return -ENOSYS;
}

static version_fn *const version_ops[16] = {      /* a power of two: index_nospec() */
    VERSION_OPS(ROW_HANDLER)
    [11] = ver_none, [12] = ver_none, [13] = ver_none, [14] = ver_none, [15] = ver_none,
};

/* args: cmd, arg. */
long do_xen_version(struct vcpu *v, u64 *args)
{
    u32 cmd = (u32)args[0];

    if (cmd >= ARRAY_SIZE(version_ops)) {
        return -ENOSYS;
    }
    return version_ops[index_nospec(cmd, ARRAY_SIZE(version_ops))](v, args[1]);
}
