/* SPDX-License-Identifier: MIT */
/*
 * The Xen ABI, from Debian's libxen-dev headers: the only place that includes them. Host unit tests (x86) see the ARM layouts too:
 * every struct a guest shares has one layout for both ARM widths (fixed-size fields, 8-byte handles).
 */
#ifndef ARGON_XEN_H
#define ARGON_XEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __aarch64__
#define ARGON_NATIVE_AARCH64 1
#else
#pragma push_macro("__x86_64__")
#pragma push_macro("__i386__")
#undef __x86_64__
#undef __i386__
#define __aarch64__ 1
#endif

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/version.h>
#include <xen/features.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/hypfs.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>

#ifndef ARGON_NATIVE_AARCH64
#undef __aarch64__
#pragma pop_macro("__i386__")
#pragma pop_macro("__x86_64__")
#endif

/* The version Debian 12's tools are built for; `xen_version` reports it. */
#define ARGON_XEN_MAJOR 4
#define ARGON_XEN_MINOR 17

#endif
