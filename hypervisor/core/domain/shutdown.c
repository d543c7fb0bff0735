/* SPDX-License-Identifier: MIT */
/* Stopping and resuming whole domains: shutdown, crash, watchdog, the toolstack's pause. */
#include "internal.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/smp.h>

#define MAX_CONTROLLER_PAUSES 255

/* dom0 is the machine's operating system: its end is the machine's. */
noreturn_fn static void machine_shutdown(u32 reason)
{
    static const char *const names[] = {
        "powered off", "rebooted", "suspended", "crashed", "stopped by its watchdog", "reset",
    };
    const char *what = reason < ARRAY_SIZE(names) ? names[reason] : "stopped";
    bool restart = reason != SHUTDOWN_poweroff;
    bool failed = reason != SHUTDOWN_poweroff && reason != SHUTDOWN_reboot;

    if (failed && opt.noreboot) {
        log_err("Domain-0 %s; option noreboot: the machine stays halted.", what);
        smp_stop_others();
        arch_stop_cpu();
    }
    log_warn("Domain-0 %s: %s the machine.", what, restart ? "restarting" : "powering off");
    if (restart) {
        arch_machine_restart();
    }
    arch_machine_poweroff();
}

void domain_shutdown(struct domain *d, u32 reason)
{
    u32 port;

    if (d == dom0) {
        machine_shutdown(reason);
    }
    spin_lock(&d->lock);
    if (d->shutting_down || d->dying != DOMAIN_ALIVE) {
        spin_unlock(&d->lock);
        return;
    }
    d->shutting_down = true;
    if (d->shutdown_code == ~0U) {
        d->shutdown_code = reason;
    }
    for_each_vcpu (d, v) {
        vcpu_stop(v, VPF_SHUTDOWN);
    }
    d->shut_down = true;
    port = d->shutdown_code == SHUTDOWN_suspend ? d->suspend_port : 0;
    spin_unlock(&d->lock);
    if (port == 0 || event_send(d, port) != 0) {
        event_send_global_virq(VIRQ_DOM_EXC);
    }
}

void domain_resume(struct domain *d)
{
    spin_lock(&d->lock);
    if (d->shut_down) {
        d->shut_down = false;
        d->shutting_down = false;
        d->shutdown_code = ~0U;
        for_each_vcpu (d, v) {
            vcpu_unblock(v, VPF_SHUTDOWN);
        }
    }
    spin_unlock(&d->lock);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    struct vcpu *v = current_vcpu();
    char why[160];
    va_list ap;

    if (d->shutting_down) {
        return;                  /* has been reported */
    }
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (v->domain == d) {
        log_guest(LOG_ERR, d, "vCPU %u crashed the domain: %s", v->id, why);
        vcpu_dump(v);
    } else {
        log_guest(LOG_ERR, d, "domain crashed: %s", why);
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

int domain_controller_pause(struct domain *d)
{
    int rc = 0;

    spin_lock(&d->lock);
    if (d->controller_paused >= MAX_CONTROLLER_PAUSES) {
        rc = -EUSERS;
    } else {
        d->controller_paused++;
    }
    spin_unlock(&d->lock);
    if (rc == 0) {
        domain_pause(d);
    }
    return rc;
}

int domain_controller_unpause(struct domain *d)
{
    int rc = 0;

    spin_lock(&d->lock);
    if (d->controller_paused == 0) {
        rc = -EINVAL;
    } else {
        d->controller_paused--;
        d->was_unpaused = true;
    }
    spin_unlock(&d->lock);
    if (rc == 0) {
        domain_unpause(d);
    }
    return rc;
}

static void watchdog_fn(void *data)
{
    domain_shutdown(data, SHUTDOWN_watchdog);
}

void domain_watchdog_init(struct domain *d)
{
    for (u32 i = 0; i < ARRAY_SIZE(d->watchdog); i++) {
        timer_setup(&d->watchdog[i], watchdog_fn, d, cpu_id());
    }
}

void domain_watchdog_stop(struct domain *d)
{
    for (u32 i = 0; i < ARRAY_SIZE(d->watchdog); i++) {
        timer_end(&d->watchdog[i]);
    }
}

/* Locked. A free watchdog's index, or ARRAY_SIZE. */
static u32 watchdog_free(const struct domain *d)
{
    u32 i = 0;

    while (i < ARRAY_SIZE(d->watchdog) && (d->watchdog_inuse & BIT32(i)) != 0) {
        i++;
    }
    return i;
}

static int watchdog_locked(struct domain *d, u32 id, u32 timeout_s)
{
    u32 i = id - 1;
    bool create = id == 0;

    ASSERT(spin_is_locked(&d->lock));
    if (create) {
        i = watchdog_free(d);
        if (timeout_s == 0) {
            return -EINVAL;
        }
        if (i == ARRAY_SIZE(d->watchdog)) {
            return -ENOSPC;
        }
        d->watchdog_inuse |= BIT32(i);
    } else if (id > ARRAY_SIZE(d->watchdog)) {
        return -EINVAL;
    } else if ((d->watchdog_inuse & BIT32(i)) == 0) {
        return -EINVAL;
    }
    i = (u32)index_nospec(i, ARRAY_SIZE(d->watchdog));
    if (timeout_s == 0) {
        timer_stop(&d->watchdog[i]);
        d->watchdog_inuse &= ~BIT32(i);
    } else {
        timer_set(&d->watchdog[i], now_ns() + timeout_s * NS_PER_SEC);
    }
    return create ? (int)i + 1 : 0;
}

int domain_watchdog(struct domain *d, u32 id, u32 timeout_s)
{
    int rc;

    spin_lock(&d->lock);
    rc = watchdog_locked(d, id, timeout_s);
    spin_unlock(&d->lock);
    return rc;
}
