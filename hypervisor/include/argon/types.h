/* SPDX-License-Identifier: MIT */
/* Integer names, and the opaque frame types that keep machine and guest frames apart. */
#ifndef ARGON_TYPES_H
#define ARGON_TYPES_H

#include <argon/compiler.h>

typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t  s16;
typedef int32_t  s32;
typedef int64_t  s64;

/* printf's names for 64-bit integers, as <inttypes.h> has them, which comes with a C library. */
#if __SIZEOF_LONG__ == 8
#define PRIu64 "lu"
#define PRId64 "ld"
#define PRIx64 "lx"
#else
#define PRIu64 "llu"
#define PRId64 "lld"
#define PRIx64 "llx"
#endif

/* 64 bits, as what they are applied to: PAGE_MASK of an address keeps its upper half. */
#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define KIB(n) ((u64)(n) << 10)
#define MIB(n) ((u64)(n) << 20)
#define GIB(n) ((u64)(n) << 30)

/* A host physical byte address. Guest-physical byte addresses (IPAs) are also u64, named gpa. */
typedef u64 paddr_t;
/* A host (machine) frame number, and a guest (physical) frame number: never interchangeable. */
typedef struct { u64 m; } mfn_t;
typedef struct { u64 g; } gfn_t;

#define INVALID_MFN ((mfn_t){ UINT64_MAX })
#define INVALID_GFN ((gfn_t){ UINT64_MAX })

static inline mfn_t mfn(u64 n) { return (mfn_t){ n }; }
static inline gfn_t gfn(u64 n) { return (gfn_t){ n }; }
static inline mfn_t mfn_add(mfn_t a, u64 n) { return (mfn_t){ a.m + n }; }
static inline gfn_t gfn_add(gfn_t a, u64 n) { return (gfn_t){ a.g + n }; }
static inline bool mfn_eq(mfn_t a, mfn_t b) { return a.m == b.m; }
static inline bool gfn_eq(gfn_t a, gfn_t b) { return a.g == b.g; }
static inline bool mfn_is_valid(mfn_t a) { return a.m != UINT64_MAX; }
static inline bool gfn_is_valid(gfn_t a) { return a.g != UINT64_MAX; }
static inline mfn_t paddr_to_mfn(paddr_t pa) { return (mfn_t){ pa >> PAGE_SHIFT }; }
static inline paddr_t mfn_to_paddr(mfn_t a) { return a.m << PAGE_SHIFT; }
static inline gfn_t gpa_to_gfn(u64 gpa) { return (gfn_t){ gpa >> PAGE_SHIFT }; }
static inline u64 gfn_to_gpa(gfn_t a) { return a.g << PAGE_SHIFT; }


#define NR_CPUS       128   /* upper bound; `maxcpus` and the machine may lower it */
#define MAX_VCPUS     128   /* per domain, with a GICv3; 8 with a GICv2 */
#define NS_PER_SEC    UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_US     UINT64_C(1000)

#endif
