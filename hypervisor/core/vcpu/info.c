/* SPDX-License-Identifier: MIT */
/* vcpu_info: where a vCPU finds its events (public vcpu.h, VCPUOP_register_vcpu_info). */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_write.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/vcpu.h>

int vcpu_register_info(struct vcpu *v, gfn_t g, u32 offset)
{
    struct domain *d = v->domain;
    enum p2m_type t = P2M_INVALID;
    struct vcpu_info *info;
    struct page *pg;

    if (offset > PAGE_SIZE - sizeof(*info) || offset % 8 != 0) {
        return -ENXIO;
    }
    /* Of another vCPU only before it runs: its own accesses would race with the move. */
    if (v != current_vcpu() && (atomic_load(&v->pause_flags) & VPF_DOWN) == 0) {
        return -EINVAL;
    }
    pg = p2m_get_own(d, g, true, &t);
    if (pg == NULL) {
        return -EINVAL;
    }
    spin_lock(&d->lock);
    if (mfn_is_valid(v->info_mfn) || d->dying != DOMAIN_ALIVE) {
        spin_unlock(&d->lock);
        page_put(pg);
        return -EINVAL;
    }
    info = (struct vcpu_info *)(void *)((char *)frame_map_lasting(page_to_mfn(pg)) + offset);
    guest_fill(d, info, v->info, sizeof(*info));
    v->info_mfn = page_to_mfn(pg);
    atomic_store_release(&v->info, info);
    spin_unlock(&d->lock);
    /* Whoever still found the old place has set a bit there at worst; everything is looked at again. */
    event_resync_vcpu(v);
    return 0;
}

/* Nobody can be in the middle of setting bits there any more (domain_kill()). */
void vcpu_unregister_info(struct vcpu *v)
{
    const struct vcpu_info *info = v->info;

    v->info = &v->dummy_info;
    if (mfn_is_valid(v->info_mfn)) {
        (void)frame_unmap_lasting(info);
        page_put(mfn_to_page(v->info_mfn));
        v->info_mfn = INVALID_MFN;
    }
}
