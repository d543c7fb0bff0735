/* SPDX-License-Identifier: MIT */
/*
 * hypfs_op (public hypfs.h): a small tree of values, read and written by path. The tree is one table of paths: a
 * directory's children are the rows below its path, with one component more. Cpupools are the one part that changes:
 * <id> is filled in.
 */
#include <argon/hypercall.h>

#include <argon/config.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <argon/version.h>

#define CONTENT_MAX 1280         /* the largest directory: all cpupools */

#define LEAF_MAX    128

struct content {                 /* what an entry contains, built on the stack */
    u32 len;
    char data[CONTENT_MAX];
};

struct hypfs_node {
    const char *path;            /* below "/"; a component "*" stands for a cpupool's id */
    u8 type;                     /* XEN_HYPFS_TYPE_* */
    u8 max_write;                /* bytes, 0: read-only */
    const char *text;            /* a string that never changes, or */
    const u32 *number;           /* an unsigned, or */
    void (*read)(char *buf, size_t size);
    int (*write)(const char *s); /* terminated, checked by the handler */
};

static void read_loglvl(char *buf, size_t size)
{
    log_levels_format(buf, size, opt.loglvl, opt.loglvl_limited);
}

static void read_guest_loglvl(char *buf, size_t size)
{
    log_levels_format(buf, size, opt.guest_loglvl, opt.guest_loglvl_limited);
}

static int write_loglvl(const char *s)
{
    return log_levels_parse(s, &opt.loglvl, &opt.loglvl_limited) ? 0 : -EINVAL;
}

static int write_guest_loglvl(const char *s)
{
    return log_levels_parse(s, &opt.guest_loglvl, &opt.guest_loglvl_limited) ? 0 : -EINVAL;
}

static void read_timestamps(char *buf, size_t size)
{
    (void)str_copy(buf, opt.console_timestamps ? "boot" : "none", size);
}

/* Of Xen's formats those without a calendar. */
static int write_timestamps(const char *s)
{
    bool on = strcmp(s, "boot") == 0;

    if (!on && strcmp(s, "none") != 0) {
        return -EINVAL;
    }
    opt.console_timestamps = on;
    return 0;
}

static void read_conswitch(char *buf, size_t size)
{
    (void)snprintf(buf, size, "%c%s", opt.conswitch, opt.conswitch_noauto ? "x" : "");
}

static void read_changeset(char *buf, size_t size) { (void)str_copy(buf, version_info.changeset, size); }
static void read_compile_by(char *buf, size_t size) { (void)str_copy(buf, version_info.compile_by, size); }
static void read_compile_date(char *buf, size_t size) { (void)str_copy(buf, version_info.compile_date, size); }
static void read_compile_domain(char *buf, size_t size) { (void)str_copy(buf, version_info.compile_domain, size); }
static void read_compiler(char *buf, size_t size) { (void)str_copy(buf, version_info.compiler, size); }
static void read_extra(char *buf, size_t size) { (void)str_copy(buf, version_info.extra, size); }

static const u32 version_major = ARGON_XEN_MAJOR, version_minor = ARGON_XEN_MINOR;

#define DIR_ROW(p)            { p, XEN_HYPFS_TYPE_DIR, 0, NULL, NULL, NULL, NULL }
#define TEXT_ROW(p, s)        { p, XEN_HYPFS_TYPE_STRING, 0, s, NULL, NULL, NULL }
#define READ_ROW(p, r)        { p, XEN_HYPFS_TYPE_STRING, 0, NULL, NULL, r, NULL }
#define WRITE_ROW(p, r, w, n) { p, XEN_HYPFS_TYPE_STRING, n, NULL, NULL, r, w }
#define UINT_ROW(p, v)        { p, XEN_HYPFS_TYPE_UINT, 0, NULL, v, NULL, NULL }

/* Sorted as it is to be listed. */
static const struct hypfs_node tree[] = {
    DIR_ROW(""),
    DIR_ROW("buildinfo"),
    READ_ROW("buildinfo/changeset", read_changeset),
    DIR_ROW("buildinfo/compileinfo"),
    READ_ROW("buildinfo/compileinfo/compile_by", read_compile_by),
    READ_ROW("buildinfo/compileinfo/compile_date", read_compile_date),
    READ_ROW("buildinfo/compileinfo/compile_domain", read_compile_domain),
    READ_ROW("buildinfo/compileinfo/compiler", read_compiler),
    TEXT_ROW("buildinfo/config", "CONFIG_DEBUG=" STR(CONFIG_DEBUG) "\n"),
    DIR_ROW("buildinfo/version"),
    READ_ROW("buildinfo/version/extra", read_extra),
    UINT_ROW("buildinfo/version/major", &version_major),
    UINT_ROW("buildinfo/version/minor", &version_minor),
    DIR_ROW("cpupool"),
    DIR_ROW("cpupool/*"),
    TEXT_ROW("cpupool/*/sched-gran", "cpu"),
    DIR_ROW("params"),
    WRITE_ROW("params/console_timestamps", read_timestamps, write_timestamps, 16),
    READ_ROW("params/conswitch", read_conswitch),
    TEXT_ROW("params/crash-debug-debugkey", ""),
    TEXT_ROW("params/crash-debug-hwdom", ""),
    TEXT_ROW("params/crash-debug-panic", ""),
    TEXT_ROW("params/crash-debug-watchdog", ""),
    UINT_ROW("params/gnttab_max_frames", &opt.gnttab_max_frames),
    UINT_ROW("params/gnttab_max_maptrack_frames", &opt.gnttab_max_maptrack_frames),
    WRITE_ROW("params/guest_loglvl", read_guest_loglvl, write_guest_loglvl, 24),
    WRITE_ROW("params/loglvl", read_loglvl, write_loglvl, 24),
};

/* Is the component s of n characters the id of a cpupool, as we would write it? */
static bool is_cpupool(const char *s, size_t n)
{
    char name[12];
    u32 id;

    for (bool more = cpupool_next(0, &id); more; more = cpupool_next(id + 1, &id)) {
        if ((size_t)snprintf(name, sizeof(name), "%u", id) == n && memcmp(name, s, n) == 0) {
            return true;
        }
    }
    return false;
}

static size_t component_len(const char *s)
{
    const char *end = strchr(s, '/');

    return end != NULL ? (size_t)(end - s) : strlen(s);
}

static bool path_matches(const char *pattern, const char *path)
{
    for (;;) {
        size_t np = component_len(pattern), n = component_len(path);
        bool star = np == 1 && pattern[0] == '*';

        if (star ? !is_cpupool(path, n) : np != n || memcmp(pattern, path, n) != 0) {
            return false;
        }
        pattern += np;
        path += n;
        if (*pattern == '\0' || *path == '\0') {
            return *pattern == *path;
        }
        pattern++;
        path++;
    }
}

static const struct hypfs_node *node_find(const char *path)
{
    for (u32 i = 0; i < ARRAY_SIZE(tree); i++) {
        if (path_matches(tree[i].path, path)) {
            return &tree[i];
        }
    }
    return NULL;
}

/* The name of row `child` in directory `dir`, NULL if it is not directly below it. */
static const char *name_in(const struct hypfs_node *dir, const struct hypfs_node *child)
{
    size_t n = strlen(dir->path);
    const char *name = child->path;

    if (child == dir || strncmp(child->path, dir->path, n) != 0) {
        return NULL;
    }
    if (n != 0) {
        if (name[n] != '/') {
            return NULL;
        }
        name += n + 1;
    }
    return *name != '\0' && strchr(name, '/') == NULL ? name : NULL;
}

static u32 content_len(const struct hypfs_node *node);

static size_t entry_size(const char *name)
{
    return ROUND_UP(offsetof(struct xen_hypfs_dirlistentry, name) + strlen(name) + 1, UINT64_C(4));
}

static struct xen_hypfs_direntry make_entry(const struct hypfs_node *node, u32 len)
{
    return (struct xen_hypfs_direntry){
        .type = node->type, .encoding = XEN_HYPFS_ENC_PLAIN, .content_len = len, .max_write_len = node->max_write,
    };
}

/* Append an entry to a listing; *last is where the one before it is. With c NULL only its size counts. */
static size_t list_one(struct content *c, size_t at, size_t *last, const struct hypfs_node *node, const char *name)
{
    struct xen_hypfs_dirlistentry e;
    size_t size = entry_size(name);

    if (c == NULL) {
        return at + size;
    }
    if (at + size > sizeof(c->data)) {
        return at;
    }
    memset(&e, 0, sizeof(e));
    e.e = make_entry(node, content_len(node));
    if (at != 0) {
        u16 off = (u16)(at - *last);

        memcpy(c->data + *last + offsetof(struct xen_hypfs_dirlistentry, off_next), &off, sizeof(off));
    }
    memset(c->data + at, 0, size);
    memcpy(c->data + at, &e, offsetof(struct xen_hypfs_dirlistentry, name));
    memcpy(c->data + at + offsetof(struct xen_hypfs_dirlistentry, name), name, strlen(name));
    *last = at;
    return at + size;
}

static size_t list_dir(const struct hypfs_node *dir, struct content *c)
{
    size_t at = 0, last = 0;

    for (u32 i = 0; i < ARRAY_SIZE(tree); i++) {
        const char *name = name_in(dir, &tree[i]);
        char pool[12];
        u32 id;

        if (name == NULL) {
            continue;
        }
        if (strcmp(name, "*") != 0) {
            at = list_one(c, at, &last, &tree[i], name);
            continue;
        }
        for (bool more = cpupool_next(0, &id); more; more = cpupool_next(id + 1, &id)) {
            (void)snprintf(pool, sizeof(pool), "%u", id);
            at = list_one(c, at, &last, &tree[i], pool);
        }
    }
    return at;
}

/* The text or number of an entry that is no directory; its length, a text's with its terminator. */
static u32 leaf_content(const struct hypfs_node *node, char *buf, size_t size)
{
    if (node->number != NULL) {
        memcpy(buf, node->number, sizeof(*node->number));
        return sizeof(*node->number);
    }
    if (node->text != NULL) {
        (void)str_copy(buf, node->text, size);
    } else {
        node->read(buf, size);
    }
    return (u32)strlen(buf) + 1;
}

static u32 content_len(const struct hypfs_node *node)
{
    char buf[LEAF_MAX];

    return node->type == XEN_HYPFS_TYPE_DIR ? (u32)list_dir(node, NULL) : leaf_content(node, buf, sizeof(buf));
}

/* Absolute, terminated where its length says, no empty component. */
static int path_fetch(char *path, u64 gva, u64 len)
{
    if (len == 0 || len > XEN_HYPFS_MAX_PATHLEN) {
        return -EINVAL;
    }
    if (copy_from_guest(path, gva, (size_t)len) != 0) {
        return -EFAULT;
    }
    return strnlen(path, (size_t)len) != len - 1 || path[0] != '/' ? -EINVAL : 0;
}

static long op_read(const char *path, u64 gva, u64 size)
{
    const struct hypfs_node *node = node_find(path + 1);
    struct xen_hypfs_direntry e;
    struct content c;

    if (node == NULL) {
        return -ENOENT;
    }
    c.len = node->type == XEN_HYPFS_TYPE_DIR ? (u32)list_dir(node, &c) : leaf_content(node, c.data, LEAF_MAX);
    e = make_entry(node, c.len);
    if (size < sizeof(e)) {
        return -EINVAL;
    }
    if (copy_to_guest(gva, &e, sizeof(e)) != 0) {
        return -EFAULT;
    }
    if (size < sizeof(e) + c.len) {
        return -ENOBUFS;
    }
    return copy_to_guest(gva + sizeof(e), c.data, c.len);
}

/* Strings come with their terminator. */
static long op_write(const char *path, u64 gva, u64 size)
{
    const struct hypfs_node *node = node_find(path + 1);
    char value[32];

    if (node == NULL) {
        return -ENOENT;
    }
    if (node->write == NULL) {
        return -EACCES;
    }
    if (size > node->max_write || size > sizeof(value)) {
        return -ENOSPC;
    }
    if (size == 0 || copy_from_guest(value, gva, (size_t)size) != 0) {
        return size == 0 ? -EINVAL : -EFAULT;
    }
    return strnlen(value, (size_t)size) != size - 1 ? -EINVAL : node->write(value);
}

/* args: op, path, its length with terminator, buffer, its size. */
long do_hypfs_op(struct vcpu *v, u64 *args)
{
    char path[XEN_HYPFS_MAX_PATHLEN];
    u32 op = (u32)args[0];
    int rc = permit_call(hypercall_right[__HYPERVISOR_hypfs_op], v->domain);

    ASSERT(v == current_vcpu());
    if (rc != 0) {
        return rc;
    }
    if (op == XEN_HYPFS_OP_get_version) {
        return args[1] != 0 || args[2] != 0 || args[3] != 0 || args[4] != 0 ? -EINVAL : XEN_HYPFS_VERSION;
    }
    if (op != XEN_HYPFS_OP_read && op != XEN_HYPFS_OP_write_contents) {
        return -ENOSYS;
    }
    rc = path_fetch(path, args[1], args[2]);
    if (rc != 0) {
        return rc;
    }
    return op == XEN_HYPFS_OP_read ? op_read(path, args[3], args[4]) : op_write(path, args[3], args[4]);
}
