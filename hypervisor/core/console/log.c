/* SPDX-License-Identifier: MIT */
/* Messages: levels, thresholds, rate limits. */
#include <argon/domain.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <argon/timer.h>
#include "console_impl.h"

/* Rate limit: ten at once, then one a second. */
#define RATE_BURST       10
#define RATE_INTERVAL_NS NS_PER_SEC

/*
 * Each domain uses the bucket of its id modulo this, so that a noisy guest does not silence the messages about others.
 */
#define GUEST_BUCKETS 32

static struct rate_limit host_limit;
static struct rate_limit guest_limits[GUEST_BUCKETS];

static const char *const level_names[LOG_NR_LEVELS + 1] = { "none", "error", "warning", "info", "debug" };

/* One level word of n bytes as a threshold: levels below it are printed. */
static bool parse_level(const char *s, size_t n, u8 *threshold)
{
    if (n == 3 && memcmp(s, "all", 3) == 0) {
        *threshold = LOG_NR_LEVELS;
        return true;
    }
    for (u8 i = 0; i <= LOG_NR_LEVELS; i++) {
        if (strlen(level_names[i]) == n && memcmp(level_names[i], s, n) == 0) {
            *threshold = i;
            return true;
        }
    }
    return false;
}

bool log_levels_parse(const char *s, u8 *always, u8 *limited)
{
    const char *slash = strchr(s, '/');
    u8 lower, upper;

    if (!parse_level(s, slash != NULL ? (size_t)(slash - s) : strlen(s), &lower)) {
        return false;
    }
    upper = lower;
    if (slash != NULL && !parse_level(slash + 1, strlen(slash + 1), &upper)) {
        return false;
    }
    *always = lower;
    *limited = upper > lower ? upper : lower;
    return true;
}

static const char *level_name(u8 threshold)
{
    return level_names[MIN(threshold, (u8)LOG_NR_LEVELS)];
}

void log_levels_format(char *buf, size_t size, u8 always, u8 limited)
{
    (void)snprintf(buf, size, "%s/%s", level_name(always), level_name(limited));
}

/* May one more be printed now? */
static bool rate_limit_allow(struct rate_limit *r, u64 now)
{
    u64 refill = (now - r->last) / RATE_INTERVAL_NS;

    if (refill >= r->used) {
        r->used = 0;
        r->last = now;
    } else {
        r->used -= (u32)refill;
        r->last += refill * RATE_INTERVAL_NS;
    }
    if (r->used >= RATE_BURST) {
        r->missed++;
        return false;
    }
    r->used++;
    return true;
}

/* May a message of this level go out? Lock held. Tells how many did not, before the first that may again. */
static bool allowed(enum log_level level, u8 always, u8 limited, struct rate_limit *r, const char *what)
{
    char note[64];
    int n;

    if (level < always) {
        return true;
    }
    if (level >= limited || !rate_limit_allow(r, now_ns())) {
        return false;
    }
    if (r->missed != 0) {
        n = snprintf(note, sizeof(note), "%u %smessages suppressed", r->missed, what);
        r->missed = 0;
        console_put_line(CONSOLE_PREFIX, note, (size_t)n);
    }
    return true;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    const char *text;
    va_list ap;
    size_t n;

    console_lock();
    if (allowed(level, opt.loglvl, opt.loglvl_limited, &host_limit, "")) {
        va_start(ap, fmt);
        n = console_format(&text, fmt, ap);
        va_end(ap);
        console_put_text(CONSOLE_PREFIX, text, n);
    }
    console_unlock();
}

void log_guest(enum log_level level, const struct domain *d, const char *fmt, ...)
{
    char prefix[24];
    const char *text;
    va_list ap;
    size_t n;

    (void)snprintf(prefix, sizeof(prefix), CONSOLE_PREFIX "d%u: ", d->id);
    console_lock();
    if (allowed(level, opt.guest_loglvl, opt.guest_loglvl_limited, &guest_limits[d->id % GUEST_BUCKETS], "guest ")) {
        va_start(ap, fmt);
        n = console_format(&text, fmt, ap);
        va_end(ap);
        console_put_text(prefix, text, n);
    }
    console_unlock();
}

void con_printf(const char *fmt, ...)
{
    const char *text;
    va_list ap;
    size_t n;

    console_lock();
    va_start(ap, fmt);
    n = console_format(&text, fmt, ap);
    va_end(ap);
    console_put_partial(LINE_KEY_CPU(cpu_id()), CONSOLE_PREFIX, text, n);
    console_unlock();
}
