/* SPDX-License-Identifier: MIT */
/* Console output kept for tests to look at; panics and assertions end the test. */
#include "support.h"
#include <argon/console.h>
#include <argon/printf.h>

static char text[65536];
static size_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void add(const char *fmt, va_list ap, bool line)
{
    pthread_mutex_lock(&lock);
    if (used < sizeof(text) - 1) {
        used += (size_t)vsnprintf(text + used, sizeof(text) - used, fmt, ap);
        used = MIN(used, sizeof(text) - 2);
        if (line && used > 0 && text[used - 1] != '\n') {
            text[used++] = '\n';
            text[used] = 0;
        }
    }
    pthread_mutex_unlock(&lock);
}

const char *unit_log(void)
{
    return text;
}

void unit_log_clear(void)
{
    used = 0;
    text[0] = 0;
}

weak void log_at(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    va_start(ap, fmt);
    add(fmt, ap, true);
    va_end(ap);
}

weak void log_guest(enum log_level level, const struct domain *d, const char *fmt, ...)
{
    va_list ap;

    (void)level;
    (void)d;
    va_start(ap, fmt);
    add(fmt, ap, true);
    va_end(ap);
}

weak void con_printf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(fmt, ap, false);
    va_end(ap);
}

__attribute__((noreturn)) static void end(const char *what, const char *file, unsigned int line)
{
    mock_assert(0, what, file, (int)line);
    abort();
}

weak void panic(const char *fmt, ...)
{
    static char msg[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    end(msg, "panic", 0);
}

weak void assert_failed(const char *expr, const char *file, unsigned int line)
{
    end(expr, file, line);
}

weak void unit_unexpected_call(const char *fn)
{
    fail_msg("unexpected call of %s(): neither linked (unit-sources) nor mocked", fn);
    abort();
}
