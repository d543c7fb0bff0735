/* SPDX-License-Identifier: MIT */
/* Build options: 0/1 constants used in C, so that all code always compiles. */
#ifndef ARGON_CONFIG_H
#define ARGON_CONFIG_H

#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 0           /* make DEBUG=1: expensive checks */
#endif
#define CONFIG_LOCK_DEBUG CONFIG_DEBUG

#endif
