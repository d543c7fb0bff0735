/* SPDX-License-Identifier: MIT */
/* unit-sources: drivers/irqchip/gicv2.c drivers/irqchip/gicv2_relink.c */
/*
 * Hardware links completed in software, against a model of a GIC that looks at its interrupt lines only when one of
 * them changes: registers in memory, brought up to date between calls of the driver.
 */
#include "unit.h"

#include "../../hypervisor/drivers/irqchip/gicv2.h"

#include <argon/machine.h>
#include <vdev/vgic.h>

#define REAL_LRS 4u
#define MAINTENANCE 25u
#define STEPS 200000u
/* What is to go into this list register arrived on another CPU: its link would not reach the active state there. */
#define ELSEWHERE 2u

static struct {
    u32 dist[0x1000 / 4], cpu[0x2000 / 4], hyp[0x200 / 4];
    u32 enabled;                 /* private interrupts */
    bool active[64];             /* physical interrupts */
    bool line;                   /* the maintenance interrupt's */
} gic;

volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    (void)size;
    return pa == 0x1000 ? gic.dist : pa == 0x2000 ? gic.cpu : gic.hyp;
}

static u32 *list_register(u32 n) { return &gic.hyp[GICH_LR / 4 + n]; }
static u32 state_of(u32 lr) { return lr & (GICH_LR_PENDING | GICH_LR_ACTIVE); }

static bool asks(u32 lr)
{
    return state_of(lr) == 0 && !(lr & GICH_LR_HW) && (lr & GICH_LR_EOI);
}

/* What the driver wrote takes effect, and what it can read is computed. True: the maintenance line has changed. */
static bool settle(void)
{
    u32 hcr = gic.hyp[GICH_HCR / 4], valid = 0, pending = 0, empty = 0, ended = 0;
    bool was = gic.line;

    gic.enabled = (gic.enabled | gic.dist[GIC_ISENABLER / 4]) & ~gic.dist[GIC_ICENABLER / 4];
    gic.dist[GIC_ISENABLER / 4] = gic.dist[GIC_ICENABLER / 4] = 0;
    gic.active[gic.cpu[GICC_DIR / 4] & 31] = false;     /* the CPU that took it: certainly so of private ones only */
    for (u32 i = 0; i < 32; i++) {
        gic.active[32 + i] = gic.active[32 + i] && !(gic.dist[GIC_ICACTIVER / 4 + 1] >> i & 1);
    }
    gic.cpu[GICC_DIR / 4] = gic.dist[GIC_ICACTIVER / 4 + 1] = 0;
    for (u32 n = 0; n < REAL_LRS; n++) {
        u32 lr = *list_register(n);

        valid += state_of(lr) != 0;
        pending += state_of(lr) == GICH_LR_PENDING;
        ended |= asks(lr) ? BIT32(n) : 0;
        empty |= state_of(lr) == 0 && !asks(lr) ? BIT32(n) : 0;
    }
    gic.hyp[GICH_EISR0 / 4] = ended;
    gic.hyp[GICH_ELRSR0 / 4] = empty;
    gic.line = (hcr & VHCR_EN) && (ended != 0 || ((hcr & GICH_HCR_UIE) && valid < 2) ||
                                   ((hcr & VHCR_NPIE) && pending == 0) ||
                                   ((hcr & VHCR_LRENPIE) && hcr >> VHCR_EOICOUNT_SHIFT != 0));
    return gic.line != was;
}

static bool is_enabled(void) { return gic.enabled >> MAINTENANCE & 1; }

/* As the hypervisor takes a maintenance interrupt. */
static void maintenance(void)
{
    gic.cpu[GICC_IAR / 4] = MAINTENANCE;
    assert_int_equal(irqchip->ack(), MAINTENANCE);
    settle();
}

/* ---- what the vGIC thinks is there: linked ones by their physical number ---- */
static u64 model[REAL_LRS];
static struct vgic_vcpu saved;
static bool loaded;

static u64 linked_lr(u32 n, u32 host)
{
    return (100 + n) | LR_HW | (u64)host << LR_HOST_SHIFT | 0x80UL << LR_PRIO_SHIFT | LR_PENDING;
}

static u64 plain_lr(u32 n, bool eoi)
{
    return (100 + n) | (eoi ? LR_EOI : 0) | 0x80UL << LR_PRIO_SHIFT | LR_PENDING;
}

static void start(void)
{
    static struct machine m = { .gic = { .gicd = 0x1000, .gicd_size = 0x1000, .gicc = 0x2000, .gicc_size = 0x2000,
                                         .gich = 0x4000, .gich_size = 0x1000, .gicv = 0x6000, .gicv_size = 0x2000,
                                         .maintenance_irq = MAINTENANCE } };

    memset(&gic, 0, sizeof(gic));
    memset(model, 0, sizeof(model));
    memset(&saved, 0, sizeof(saved));
    gic.hyp[GICH_VTR / 4] = REAL_LRS - 1;
    irqchip = &gicv2_ops;
    assert_int_equal(irqchip->init(&m), 0);
    vgic_host = irqchip->virt;
    assert_int_equal(irqchip->init_cpu(), 0);
    irqchip->enable(MAINTENANCE);
    saved.hcr = VHCR_EN;
    vgic_host->virt_restore(&saved, 0, 0);
    settle();
    loaded = true;
}

static void take(u32 n)
{
    if (state_of(*list_register(n)) == GICH_LR_PENDING) {
        *list_register(n) ^= GICH_LR_PENDING | GICH_LR_ACTIVE;
        model[n] = (model[n] & ~LR_STATE) | LR_ACTIVE;
        settle();
    }
}

/* The vGIC learns of the end of a linked one in n: by the exit for it, or before that on another. */
static void learn(u32 n, u32 way)
{
    assert_false(vgic_host->lr_ended() >> n & 1);      /* none of the vGIC's own */
    if (way == 0) {
        assert_int_equal(vgic_host->lr_read(n) & (LR_STATE | LR_HW), LR_HW);
    } else if (way == 1) {
        (void)vgic_host->lr_empty();
        settle();
        assert_true(vgic_host->lr_empty() >> n & 1);
    } else {
        maintenance();
    }
    settle();
}

/*
 * The guest ends what is active in n. A linked one: the physical one has ended and the lines are looked at after
 * that, by themselves or by an exit.
 */
static void end(u32 n, u32 way)
{
    u32 *lr = list_register(n);
    u32 host = model[n] >> LR_HOST_SHIFT & 0x3ff;

    if (state_of(*lr) != GICH_LR_ACTIVE) {
        return;
    }
    *lr &= ~GICH_LR_ACTIVE;
    model[n] &= ~LR_STATE;
    if (!(model[n] & LR_HW)) {
        settle();
        return;
    }
    if (*lr & GICH_LR_HW) {
        assert_int_equal((*lr & 0xffc00) >> GICH_LR_PHYS_SHIFT, host);
        assert_int_not_equal(n, ELSEWHERE);
        gic.active[host] = false;
        assert_true(settle());
        assert_false(is_enabled() && gic.line && gic.hyp[GICH_EISR0 / 4] == 0 &&
                     !(gic.hyp[GICH_HCR / 4] & (VHCR_NPIE | VHCR_LRENPIE)));     /* and without an exit */
    } else {
        settle();
        assert_true(gic.line && is_enabled());
        assert_true(gic.active[host]);
        learn(n, way);
    }
    assert_false(gic.active[host]);
}

static void take_physical(u32 n, u32 intid)
{
    gic.active[intid] = true;
    unit_set_cpu(n == ELSEWHERE ? 1 : 0);
    gic.cpu[GICC_IAR / 4] = intid;
    assert_int_equal(irqchip->ack(), intid);
    unit_set_cpu(0);
}

static void write_lr(u32 n, u64 lr)
{
    u32 old = model[n] >> LR_HOST_SHIFT & 0x3ff;

    if ((model[n] & LR_HW) && (model[n] & LR_STATE)) {
        gic.active[old] = false;                     /* the vGIC's doing, whatever it is */
    }
    if (lr & LR_HW) {
        take_physical(n, lr >> LR_HOST_SHIFT & 0x3ff);
    }
    vgic_host->lr_write(n, lr);
    model[n] = lr;
    settle();
}

static void change_saved(u32 n, u32 what)
{
    if ((model[n] & LR_HW) && (model[n] & LR_STATE)) {
        gic.active[model[n] >> LR_HOST_SHIFT & 0x3ff] = false;
    }
    model[n] = saved.lr[n] = what < 4 ? plain_lr(n, what & 1) : 0;
}

static void save_or_restore(u32 hcr)
{
    u32 lrs = 0;

    if (loaded) {
        vgic_host->virt_save(&saved, 7u & ~(u32)vgic_host->lr_empty());
        settle();
        for (u32 n = 0; n < 3; n++) {
            assert_true(!(model[n] & LR_STATE) || saved.lr[n] == model[n]);
        }
    } else {
        for (u32 n = 0; n < 3; n++) {
            lrs |= model[n] & LR_STATE ? BIT32(n) : 0;
        }
        saved.hcr = hcr;
        vgic_host->virt_restore(&saved, lrs, 7 & ~lrs);
        settle();
    }
    loaded = !loaded;
}

/* The maintenance interrupt is enabled where it is for more than to be looked at, and then only asserted for that. */
static void check(void)
{
    u32 hcr = gic.hyp[GICH_HCR / 4];

    for (u32 n = 0; n < 3 && loaded; n++) {
        u32 lr = *list_register(n);

        assert_true(is_enabled() || (lr & GICH_LR_HW) || !(lr & GICH_LR_EOI) || model[n] == 0);
        assert_true(state_of((u32)(model[n] >> 62) << 28) == state_of(lr));
    }
    assert_true(is_enabled() || !(hcr & (VHCR_NPIE | VHCR_LRENPIE)));
    assert_false(is_enabled() && (hcr & GICH_HCR_UIE));
    assert_int_equal(state_of(*list_register(3)), GICH_LR_ACTIVE);
}

static void step(u32 what, u32 n)
{
    u32 hcr = VHCR_EN | (n == 1 ? VHCR_NPIE : n == 2 ? VHCR_LRENPIE : 0);

    if (!loaded) {
        if (what < 8) {
            change_saved(n, what);
        } else {
            save_or_restore(hcr);
        }
        return;
    }
    if (gic.line && is_enabled() && gic.hyp[GICH_EISR0 / 4] != 0) {      /* an end reported to the vGIC */
        maintenance();
        for (u32 ended = (u32)vgic_host->lr_ended(); ended != 0; ended &= ended - 1) {
            write_lr((u32)__builtin_ctz(ended), 0);
        }
    }
    switch (what) {
    case 0: case 1: case 2:
        if (!(model[n] & LR_STATE)) {
            write_lr(n, linked_lr(n, n == 0 ? 27 : 40 + n));
        }
        break;
    case 3:
        if (!(model[n] & LR_STATE)) {
            write_lr(n, plain_lr(n, false));
        }
        break;
    case 4:
        write_lr(n, plain_lr(n, true));
        break;
    case 5:
        if (model[n] != 0 && !(model[n] & LR_HW)) {
            vgic_host->lr_pend(n, model[n]);
            model[n] |= LR_PENDING;
            settle();
        }
        break;
    case 6:
        write_lr(n, 0);
        break;
    case 7:
        vgic_host->hcr_write(hcr);
        settle();
        break;
    case 8:
        save_or_restore(hcr);
        break;
    case 9:
        assert_int_equal(vgic_host->lr_read(n) & LR_STATE, model[n] & LR_STATE);
        assert_true(!(model[n] & LR_STATE) || vgic_host->lr_read(n) == model[n]);
        break;
    case 10: case 11: case 12:
        take(n);
        break;
    default:
        end(n, what - 13);
        break;
    }
}

static void no_end_is_missed(void **state)
{
    u64 seed = 1;

    (void)state;
    start();
    assert_int_equal(vgic_host->nr_lrs(), REAL_LRS - 1);
    for (u32 i = 0; i < STEPS; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        step((u32)(seed >> 20) % 17, (u32)(seed >> 40) % 3);
        check();
    }
}

/* The usual case: one interrupt at a time costs one write to a list register and nothing else. */
static void alone_is_cheap(void **state)
{
    (void)state;
    start();
    for (u32 i = 0; i < 3; i++) {
        write_lr(0, linked_lr(0, 27));
        assert_false(is_enabled());
        assert_true(*list_register(0) & GICH_LR_HW);
        take(0);
        end(0, 0);
        assert_false(is_enabled());
    }
}

/* A GIC-400 says what it is: its links are taken as they are, and all its list registers are used. */
static void sound_links(void **state)
{
    (void)state;
    memset(&gic, 0, sizeof(gic));
    gic.dist[GICD_IIDR / 4] = 0x0200143b;
    gic.hyp[GICH_VTR / 4] = REAL_LRS - 1;
    irqchip = &gicv2_ops;
    {
        struct machine m = { .gic = { .gicd = 0x1000, .gicd_size = 0x1000, .gicc = 0x2000, .gicc_size = 0x2000,
                                      .gich = 0x4000, .gich_size = 0x1000, .gicv = 0x6000, .gicv_size = 0x2000 } };

        assert_int_equal(irqchip->init(&m), 0);
    }
    assert_ptr_equal(irqchip, &gicv2_ops);
    vgic_host = irqchip->virt;
    assert_int_equal(irqchip->init_cpu(), 0);
    assert_int_equal(vgic_host->nr_lrs(), REAL_LRS);
    assert_int_equal(*list_register(3), 0);
    vgic_host->lr_write(1, plain_lr(1, true));
    vgic_host->lr_write(0, linked_lr(0, 27));
    assert_true(*list_register(0) & GICH_LR_HW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(no_end_is_missed), unit_case(alone_is_cheap), unit_case(sound_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
