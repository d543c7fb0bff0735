/* SPDX-License-Identifier: MIT */
/* Boot cannot go on for a reason that is not our bug: say which, and leave the machine to what boots it next. */
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/printf.h>

boot_code void boot_stop(const char *fmt, ...)
{
    static char msg[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    log_err("Argon cannot start: %s", msg);
    console_panic();             /* what is still in the ring goes out before we stop */
    panic_end();
}
