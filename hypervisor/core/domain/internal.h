/* SPDX-License-Identifier: MIT */
/* Shared by the files of core/domain. */
#ifndef DOMAIN_INTERNAL_H
#define DOMAIN_INTERNAL_H

#include <argon/domain.h>

enum domain_parts {
    DOMAIN_PART_SCHED = 1u << 0,
    DOMAIN_PART_EVENT = 1u << 1,
    DOMAIN_PART_GRANT = 1u << 2,
    DOMAIN_PART_ARCH = 1u << 3,
};

/* ---- table.c ---- */
/* Reserve an id: `domid` itself, or any free one (0xffff). -EEXIST, -ENOSPC. */
must_check int domain_table_reserve(u16 domid, u16 *out);
void domain_table_insert(struct domain *d);      /* its id is reserved; visible from here */
void domain_table_remove(struct domain *d);      /* and the id is free again */

/* ---- destroy.c ---- */
/* Its creation has failed; its id is reserved and it is in no table: it goes with what it has. */
void domain_abandon(struct domain *d);

/* ---- shutdown.c ---- */
void domain_watchdog_init(struct domain *d);
void domain_watchdog_stop(struct domain *d);

#endif
