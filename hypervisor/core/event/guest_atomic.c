/* SPDX-License-Identifier: MIT */
/* The bounded loops behind argon/guest_atomic.h. */
#include <argon/guest_atomic.h>
#include <asm/cpu.h>

#define CHANGE_SLOW(d, p, keep, set, old) ({                                                     \
    bool done = false;                                                                        \
    __typeof__(*(p)) w = atomic_load(p);                                                      \
    for (unsigned int n = 0; n < GUEST_ATOMIC_TRIES && !done; n++) {                          \
        done = guest_try_cmpxchg((d), (p), &w, (w & (keep)) | (set));                         \
    }                                                                                         \
    *(old) = w;                                                                               \
    done;                                                                                     \
})

bool guest_change32_slow(const struct domain *d, u32 *p, u32 keep, u32 set, u32 *old)
{
    return CHANGE_SLOW(d, p, keep, set, old);
}

bool guest_change64_slow(const struct domain *d, u64 *p, u64 keep, u64 set, u64 *old)
{
    return CHANGE_SLOW(d, p, keep, set, old);
}

bool guest_set_flag8_slow(const struct domain *d, u8 *p, bool *stuck)
{
    for (unsigned int n = 0; n < GUEST_ATOMIC_TRIES; n++) {
        u8 seen = 0;

        if (guest_try_cmpxchg(d, p, &seen, 1)) {
            return true;
        }
        if (seen != 0) {
            return false;
        }
    }
    *stuck = true;
    return false;
}
