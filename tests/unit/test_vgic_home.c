/* SPDX-License-Identifier: MIT */
/* An interrupt whose home changes while it is being locked: who has it locked has the lock of its home. */
#include "unit.h"

/* Before the first lock another CPU has moved it. */
static void (*move)(void);

static void take(struct spinlock *l)
{
    void (*fn)(void) = move;

    move = NULL;
    if (fn != NULL) {
        fn();
    }
    spin_lock(l);
}

#define spin_lock take
#include "vdev/vgic/internal.h"
#undef spin_lock

static struct domain *d;
static struct vgic_irq irq;

static void moves(void) { irq.vcpu = d->vcpu[1]; }

static void test_moved_before_the_lock(void **state)
{
    (void)state;
    d = unit_domain(1, 2);
    for_each_vcpu (d, v) {
        spin_lock_init(&v->arch.vgic.lock, RANK_VGIC);
    }
    irq.vcpu = d->vcpu[0];
    move = moves;
    assert_ptr_equal(vgic_irq_lock(&irq), d->vcpu[1]);
    assert_true(spin_is_locked(&d->vcpu[1]->arch.vgic.lock));
    assert_false(spin_is_locked(&d->vcpu[0]->arch.vgic.lock));
    spin_unlock(&d->vcpu[1]->arch.vgic.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_moved_before_the_lock) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
