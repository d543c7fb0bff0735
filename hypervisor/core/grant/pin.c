/* SPDX-License-Identifier: MIT */
/*
 * Using a granted frame: the entry's marks in the guest's table (GTF_reading, GTF_writing), the pin counts beside it,
 * and the page's reference. The granter sees from the marks that it cannot take the grant back (public grant_table.h,
 * "Invalidating").
 */
#include "internal.h"

#include <argon/console.h>
#include <argon/guest_atomic.h>
#include <argon/panic.h>

/* A granter that keeps changing its own entry gets its peers an error after so many tries. */
#define CLAIM_TRIES 64
#define PINS_MAX    0xffffu

/* flags are the low, domid the high half of the entry's first word. */
static always_inline u32 *entry_word(struct grant_entry_v1 *e)
{
    return (void *)e;
}

/* Check the entry and set its marks in one step. */
static s16 claim(const struct domain *rd, u32 *word, u16 user, bool readonly)
{
    u32 marks = readonly ? GTF_reading : GTF_reading | GTF_writing;
    u32 w = atomic_load(word);

    for (unsigned int n = 0; n < CLAIM_TRIES; n++) {
        if ((w & GTF_type_mask) != GTF_permit_access || w >> 16 != user || (!readonly && (w & GTF_readonly))) {
            return GNTST_general_error;
        }
        if (guest_try_cmpxchg(rd, word, &w, w | marks)) {
            return GNTST_okay;
        }
    }
    return GNTST_general_error;
}

static noinline void log_stuck(struct domain *rd, u32 ref)
{
    log_guest(LOG_WARN, rd, "grant %u stays marked in use: entry never at rest", ref);
}

/* Clear the marks that no pin needs any more. */
static always_inline void unclaim(struct domain *rd, const struct grant_active *act, u32 ref)
{
    u32 marks, old;

    /* A dying granter's table may be gone, and nobody reads it. */
    if (act->writers != 0 || unlikely(READ_ONCE(rd->dying))) {
        return;
    }
    marks = act->readers == 0 ? GTF_writing | GTF_reading : GTF_writing;
    if (unlikely(!guest_and32(rd, entry_word(grant_shared(rd->grant, ref)), ~marks, &old))) {
        log_stuck(rd, ref);
    }
}

/* As unclaim(), where pinning fails after all. */
static noinline void give_up(struct domain *rd, const struct grant_active *act, u32 ref)
{
    unclaim(rd, act, ref);
}

/*
 * First pin: from the entry's frame number to the page, which must be ordinary RAM of the granter's own: that is what
 * keeps its table until the last pin has gone.
 */
static always_inline s16 find_page(struct domain *rd, struct grant_active *act, const struct grant_entry_v1 *e,
                                   bool readonly)
{
    enum p2m_type t;
    struct page *pg = p2m_get_own(rd, gfn(atomic_load(&e->frame)), !readonly, &t);

    if (unlikely(pg == NULL)) {
        return GNTST_bad_page;
    }
    act->mfn = (u32)page_to_mfn(pg).m;
    act->readonly_page = t != P2M_RAM_RW;
    return GNTST_okay;
}

/* Pinned already: the same frame again. */
static s16 take_page(struct domain *rd, const struct grant_active *act, bool readonly)
{
    if (act->readonly_page && !readonly) {
        return GNTST_bad_page;
    }
    return page_get(mfn(act->mfn), rd) ? GNTST_okay : GNTST_general_error;
}

s16 grant_pin(struct domain *rd, struct grant_active *act, u32 ref, u16 user, bool readonly)
{
    bool pinned = act->readers != 0 || act->writers != 0;
    struct grant_entry_v1 *e;
    s16 status;

    ASSERT(spin_is_locked(&act->lock));
    if (unlikely(READ_ONCE(rd->dying))) {
        return GNTST_bad_domain;
    }
    if (pinned && (act->domid != user || act->readers == PINS_MAX || act->writers == PINS_MAX)) {
        return GNTST_general_error;
    }
    e = grant_shared(rd->grant, ref);
    status = claim(rd, entry_word(e), user, readonly);
    if (unlikely(status != GNTST_okay)) {
        return status;
    }
    status = pinned ? take_page(rd, act, readonly) : find_page(rd, act, e, readonly);
    if (unlikely(status != GNTST_okay)) {
        give_up(rd, act, ref);
        return status;
    }
    act->domid = user;
    if (readonly) {
        act->readers++;
    } else {
        act->writers++;
    }
    return GNTST_okay;
}

void grant_unpin(struct domain *rd, struct grant_active *act, u32 ref, bool readonly)
{
    ASSERT(spin_is_locked(&act->lock) && (readonly ? act->readers : act->writers) != 0);
    ASSERT(mfn_to_page(mfn(act->mfn))->use == PAGE_GUEST);   /* it is what the granter's table lives for */
    if (readonly) {
        act->readers--;
    } else {
        act->writers--;
    }
    unclaim(rd, act, ref);
}
