/* SPDX-License-Identifier: MIT */
/* What the command line chooses, and what counts without a word of it: boot/options.c reads it. */
#include <argon/console.h>
#include <argon/param.h>
#include <argon/sched.h>

#define DEFAULT_LOGLVL  (CONFIG_DEBUG ? LOG_NR_LEVELS : LOG_INFO + 1)

struct options opt = {
    .console = "dtuart",
    .bootscrub = BOOTSCRUB_IDLE,
    .loglvl = DEFAULT_LOGLVL,
    .loglvl_limited = DEFAULT_LOGLVL,
    .guest_loglvl = 0,
    .guest_loglvl_limited = CONFIG_DEBUG ? LOG_NR_LEVELS : LOG_WARN + 1,
    .sched = "credit2",
    .sched_ratelimit_us = SCHED_RATELIMIT_DEFAULT_US,
    .conswitch = 'a',
    .maxcpus = NR_CPUS,
    .gnttab_max_frames = 64,
    .gnttab_max_maptrack_frames = 1024,
    .conring_size = 65536,
};
