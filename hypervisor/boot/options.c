/* SPDX-License-Identifier: MIT */
/*
 * The command line: words separated by blanks, each `name`, `name=value` or, for a boolean, `no-name`. The last of
 * several counts. A value is checked in full before anything is stored.
 */
#include <argon/console.h>
#include <argon/param.h>
#include <argon/sched.h>
#include <argon/string.h>
#include <argon/xen.h>

struct option {
    const char *name;
    bool (*parse)(const struct option *o, const char *value);   /* value "" if there was none; false: malformed */
    void *dest;
    u64 min, max;                /* numbers and sizes: what is accepted; strings: max is the size of dest */
};

bool parse_size(const char *s, u64 *bytes, const char **end)
{
    static const char suffixes[] = "bkmgt";
    unsigned int shift = 10;
    const char *p;
    u64 v;

    if (!str_to_u64(s, &v, &p)) {
        return false;
    }
    for (unsigned int i = 0; suffixes[i] != '\0'; i++) {
        if ((*p | 0x20) == suffixes[i]) {
            shift = i * 10;
            p++;
            break;
        }
    }
    if (v > UINT64_MAX >> shift) {
        return false;
    }
    if (end != NULL) {
        *end = p;
    } else if (*p != '\0') {
        return false;
    }
    *bytes = v << shift;
    return true;
}

/* Is s one of the words in `list`, separated by single blanks? */
static boot_code bool word_in(const char *list, const char *s)
{
    size_t n = strlen(s);

    while (*list != '\0') {
        const char *end = strchr(list, ' ');
        size_t len = end != NULL ? (size_t)(end - list) : strlen(list);

        if (len == n && memcmp(list, s, n) == 0) {
            return true;
        }
        list += len + (end != NULL);
    }
    return false;
}

static boot_code bool bool_value(const char *s, bool *value)
{
    if (*s == '\0' || word_in("yes on true enable 1", s)) {
        *value = true;
        return true;
    }
    if (word_in("no off false disable 0", s)) {
        *value = false;
        return true;
    }
    return false;
}

static boot_code bool parse_bool(const struct option *o, const char *value)
{
    return bool_value(value, o->dest);
}

static boot_code bool parse_string(const struct option *o, const char *value)
{
    if (*value == '\0' || strlen(value) >= o->max) {
        return false;
    }
    (void)str_copy(o->dest, value, (size_t)o->max);
    return true;
}

/* A whole number in [o->min, o->max]; larger ones are cut, with a warning, smaller ones are malformed. */
static boot_code bool parse_u32(const struct option *o, const char *value)
{
    const char *end;
    u64 v;

    if (!str_to_u64(value, &v, &end) || *end != '\0' || v < o->min) {
        return false;
    }
    if (v > o->max) {
        log_warn("Option %s=%s: cut to %" PRIu64, o->name, value, o->max);
        v = o->max;
    }
    *(u32 *)o->dest = (u32)v;
    return true;
}

/* 0: none; else in the range that the ABI allows. */
static boot_code bool parse_ratelimit(const struct option *o, const char *value)
{
    const char *end;
    u64 us;

    if (str_to_u64(value, &us, &end) && *end == '\0' && us != 0 && us < XEN_SYSCTL_SCHED_RATELIMIT_MIN) {
        return false;
    }
    return parse_u32(o, value);
}

static boot_code bool parse_size_u32(const struct option *o, const char *value)
{
    u64 v;

    if (!parse_size(value, &v, NULL) || v < o->min || v > o->max) {
        return false;
    }
    *(u32 *)o->dest = (u32)v;
    return true;
}

static boot_code bool parse_console(const struct option *o, const char *value)
{
    /* A list of devices in Xen: ours is the device tree's UART or nothing. */
    if (!word_in("dtuart none null", value)) {
        log_warn("Option console=%s: only dtuart and none are known, using dtuart", value);
        value = "dtuart";
    }
    return parse_string(o, strcmp(value, "null") == 0 ? "none" : value);
}

/* [<size>][,min:<size>][,max:<size>], in any order; what is not given is as by default. */
static boot_code bool parse_dom0_mem(const struct option *o, const char *value)
{
    u64 mem = 0, min = 0, max = 0;

    (void)o;
    for (;;) {
        u64 *dest = &mem;

        if (strncmp(value, "min:", 4) == 0) {
            dest = &min;
            value += 4;
        } else if (strncmp(value, "max:", 4) == 0) {
            dest = &max;
            value += 4;
        }
        if (!parse_size(value, dest, &value)) {
            return false;
        }
        if (*value == '\0') {
            break;
        }
        if (*value++ != ',') {
            return false;
        }
    }
    if (mem > BIT(52) || min > BIT(52) || (mem != 0 && (min > mem || (max != 0 && max < mem)))) {
        return false;            /* beyond any physical address (Arm ARM D8.1.8), or contradictory */
    }
    opt.dom0_mem = mem;
    opt.dom0_mem_min = min;
    opt.dom0_mem_max = max;
    return true;
}

/* "4": exactly 4; "2-4", "-4", "2-": as many as there are CPUs, within the bounds. */
static boot_code bool parse_dom0_max_vcpus(const struct option *o, const char *value)
{
    u64 min = 0, max = MAX_VCPUS;

    (void)o;
    if (strcmp(value, "-") == 0) {
        return false;                    /* no bound at all */
    }
    if (*value != '-' && !str_to_u64(value, &min, &value)) {
        return false;
    }
    if (*value == '\0') {
        max = min;
    } else if (*value++ != '-' || (*value != '\0' && (!str_to_u64(value, &max, &value) || *value != '\0'))) {
        return false;
    }
    if (max == 0 || min > max) {
        return false;
    }
    opt.dom0_min_vcpus = (u32)MIN(min, (u64)MAX_VCPUS);
    opt.dom0_max_vcpus = (u32)MIN(max, (u64)MAX_VCPUS);
    return true;
}

/* <bool> or "idle". */
static boot_code bool parse_bootscrub(const struct option *o, const char *value)
{
    bool yes;

    (void)o;
    if (strcmp(value, "idle") == 0) {
        opt.bootscrub = BOOTSCRUB_IDLE;
        return true;
    }
    if (!bool_value(value, &yes)) {
        return false;
    }
    opt.bootscrub = yes ? BOOTSCRUB_YES : BOOTSCRUB_NO;
    return true;
}

/* <bool> or "force". */
static boot_code bool parse_acpi(const struct option *o, const char *value)
{
    bool yes;

    (void)o;
    if (strcmp(value, "force") == 0) {
        opt.acpi = ACPI_FORCE;
        return true;
    }
    if (!bool_value(value, &yes)) {
        return false;
    }
    opt.acpi = yes ? ACPI_ON : ACPI_OFF;
    return true;
}

static boot_code bool parse_loglvl(const struct option *o, const char *value)
{
    u8 *limited = o->dest == &opt.loglvl ? &opt.loglvl_limited : &opt.guest_loglvl_limited;

    return log_levels_parse(value, o->dest, limited);
}

/* none, or a kind of stamp: all are the time since boot. */
static boot_code bool parse_timestamps(const struct option *o, const char *value)
{
    if (word_in("date datems boot raw", value)) {
        *(bool *)o->dest = true;
        return true;
    }
    return bool_value(strcmp(value, "none") == 0 ? "no" : value, o->dest);
}

/* For tests: by default it is chosen by what the GIC is. */
static boot_code bool parse_gicv2_links(const struct option *o, const char *value)
{
    if (!word_in("hardware software", value)) {
        return false;
    }
    *(enum gicv2_links *)o->dest = value[0] == 'h' ? GICV2_LINKS_HARDWARE : GICV2_LINKS_SOFTWARE;
    return true;
}

/* A letter, or ` for no switching at all; then x to leave the input with the hypervisor at boot. */
static boot_code bool parse_conswitch(const struct option *o, const char *value)
{
    bool letter = (*value | 0x20) >= 'a' && (*value | 0x20) <= 'z';

    (void)o;
    if ((!letter && *value != '`') || (value[1] != '\0' && strcmp(value + 1, "x") != 0)) {
        return false;
    }
    opt.conswitch = letter ? (char)(*value | 0x20) : '\0';
    opt.conswitch_noauto = value[1] == 'x';
    return true;
}

/* Options of Xen's whose default, or only behaviour, is Argon's: nothing to do and nothing to say. */
static boot_code bool parse_accepted(const struct option *o, const char *value)
{
    (void)o;
    (void)value;
    return true;
}

static boot_code bool parse_unsupported(const struct option *o, const char *value)
{
    log_warn("Option %s%s%s is not supported and is ignored", o->name, *value != '\0' ? "=" : "", value);
    return true;
}

/* xsm: the rules are SILO's. */
static boot_code bool parse_xsm(const struct option *o, const char *value)
{
    return strcmp(value, "silo") == 0 || parse_unsupported(o, value);
}

static const struct option options[] = {
    { "console", parse_console, opt.console, 0, sizeof(opt.console) },
    { "dtuart", parse_string, opt.dtuart, 0, sizeof(opt.dtuart) },
    { "dom0_mem", parse_dom0_mem, NULL, 0, 0 },
    { "dom0_max_vcpus", parse_dom0_max_vcpus, NULL, 0, 0 },
    { "dom0_vcpus_pin", parse_bool, &opt.dom0_vcpus_pin, 0, 0 },
    { "bootscrub", parse_bootscrub, NULL, 0, 0 },
    { "loglvl", parse_loglvl, &opt.loglvl, 0, 0 },
    { "guest_loglvl", parse_loglvl, &opt.guest_loglvl, 0, 0 },
    { "sched", parse_string, opt.sched, 0, sizeof(opt.sched) },
    { "sched_ratelimit_us", parse_ratelimit, &opt.sched_ratelimit_us, 0, XEN_SYSCTL_SCHED_RATELIMIT_MAX },
    { "noreboot", parse_bool, &opt.noreboot, 0, 0 },
    { "sync_console", parse_bool, &opt.sync_console, 0, 0 },
    { "conswitch", parse_conswitch, NULL, 0, 0 },
    { "maxcpus", parse_u32, &opt.maxcpus, 1, NR_CPUS },
    { "gnttab_max_frames", parse_u32, &opt.gnttab_max_frames, 1, 65536 },
    { "gnttab_max_maptrack_frames", parse_u32, &opt.gnttab_max_maptrack_frames, 1, 1U << 20 },
    { "conring_size", parse_size_u32, &opt.conring_size, 1, MIB(16) },
    { "console_timestamps", parse_timestamps, &opt.console_timestamps, 0, 0 },
    { "gicv2_links", parse_gicv2_links, &opt.gicv2_links, 0, 0 },
    { "xsm", parse_xsm, NULL, 0, 0 },
    { "hmp-unsafe", parse_bool, &opt.hmp_unsafe, 0, 0 },
    { "errata", parse_string, opt.errata, 0, sizeof(opt.errata) },
    { "acpi", parse_acpi, NULL, 0, 0 },
    /* GRUB's Debian configuration gives every Xen these; they mean something to x86 only. */
    { "placeholder", parse_accepted, NULL, 0, 0 },
    { "no-real-mode", parse_accepted, NULL, 0, 0 },
    { "edd", parse_accepted, NULL, 0, 0 },
    { "allow_unsafe", parse_accepted, NULL, 0, 0 },
    { "bootscrub_chunk", parse_accepted, NULL, 0, 0 },
    { "console_to_ring", parse_unsupported, NULL, 0, 0 },
    { "badpage", parse_unsupported, NULL, 0, 0 },
    { "cpufreq", parse_unsupported, NULL, 0, 0 },
    { "crashkernel", parse_unsupported, NULL, 0, 0 },
    { "dma_bits", parse_unsupported, NULL, 0, 0 },
    { "dom0", parse_unsupported, NULL, 0, 0 },
    { "dom0_nodes", parse_unsupported, NULL, 0, 0 },
    { "efi", parse_unsupported, NULL, 0, 0 },
    { "ext_regions", parse_unsupported, NULL, 0, 0 },
    { "extra_guest_irqs", parse_unsupported, NULL, 0, 0 },
    { "flask", parse_unsupported, NULL, 0, 0 },
    { "gnttab", parse_unsupported, NULL, 0, 0 },
    { "iommu", parse_unsupported, NULL, 0, 0 },
    { "mem", parse_unsupported, NULL, 0, 0 },
    { "numa", parse_unsupported, NULL, 0, 0 },
    { "reboot", parse_unsupported, NULL, 0, 0 },
    { "sched_credit2_migrate_resist", parse_unsupported, NULL, 0, 0 },
    { "sched_smt_power_savings", parse_unsupported, NULL, 0, 0 },
    { "sched-gran", parse_unsupported, NULL, 0, 0 },
    { "scrub-domheap", parse_accepted, NULL, 0, 0 },      /* always done */
    { "serrors", parse_unsupported, NULL, 0, 0 },
    { "spec-ctrl", parse_unsupported, NULL, 0, 0 },
    { "sve", parse_unsupported, NULL, 0, 0 },
    { "tbuf_size", parse_unsupported, NULL, 0, 0 },
    { "tmem", parse_unsupported, NULL, 0, 0 },
    { "vpmu", parse_unsupported, NULL, 0, 0 },
    { "vwfi", parse_unsupported, NULL, 0, 0 },
    { "watchdog", parse_unsupported, NULL, 0, 0 },
};

static boot_code const struct option *find_option(const char *name, size_t n)
{
    for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
        if (strlen(options[i].name) == n && memcmp(options[i].name, name, n) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* no-<boolean>: the same as <boolean>=no, and with a value its opposite. */
static boot_code bool parse_negated(const char *word, size_t name_len, const char *value)
{
    const struct option *o;
    bool b;

    if (name_len <= 3 || strncmp(word, "no-", 3) != 0) {
        return false;
    }
    o = find_option(word + 3, name_len - 3);
    return o != NULL && (o->parse == parse_bool || o->parse == parse_bootscrub || o->parse == parse_acpi ||
                         o->parse == parse_timestamps) &&
           bool_value(value, &b) && o->parse(o, b ? "no" : "yes");
}

/* One word, terminated. */
static boot_code void parse_word(const char *word)
{
    const char *eq = strchr(word, '=');
    size_t name_len = eq != NULL ? (size_t)(eq - word) : strlen(word);
    const char *value = eq != NULL ? eq + 1 : "";
    const struct option *o = find_option(word, name_len);

    if (o == NULL) {
        if (!parse_negated(word, name_len, value)) {
            log_warn("Unknown option: %s", word);
        }
    } else if ((eq != NULL && *value == '\0') || !o->parse(o, value)) {
        log_warn("Malformed option, ignored: %s", word);
    }
}

boot_code void options_parse(const char *cmdline)
{
    static boot_data char words[sizeof(opt.cmdline)];
    char *p = words;

    if (str_copy(opt.cmdline, cmdline, sizeof(opt.cmdline)) >= sizeof(opt.cmdline)) {
        log_warn("Command line cut to %zu bytes", sizeof(opt.cmdline) - 1);
    }
    (void)str_copy(words, opt.cmdline, sizeof(words));
    while (*p != '\0') {
        char *word = p;

        while (*p != '\0' && *p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') {
            p++;
        }
        if (*p != '\0') {
            *p++ = '\0';
        }
        if (*word != '\0') {
            parse_word(word);
        }
    }
}
