/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* unit-sources: vdev/vgic/its.c vdev/vgic/its_commands.c vdev/vgic/lpi.c lib/rbtree.c */
/* unit-sanitize: thread */
/*
 * dom0's LPIs and the commands of two services by several CPUs at once, each a thread: four vCPUs take turns on three
 * CPUs while devices send messages; each of them moves LPIs and collections, reads properties anew, maps and unmaps,
 * turns groups and a vCPU's LPIs off and on. No message may be lost that was for a vCPU whose LPIs stayed on.
 */
#include "unit.h"

#include "fake_irqchip.h"

#include "its_free.h"
#include "vdev/vgic/its.h"

#include <argon/machine.h>
#include <sched.h>
#include <time.h>

#define CPUS     3u
#define VCPUS    4u
#define KEPT     8u              /* LPIs of vCPUs 0 to 2: none of their messages is lost */
#define LPIS     12u             /* the others are vCPU 3's, whose LPIs go off and on */
#define MESSAGES 4000u
#define SECONDS  60
#define ITS(n)   (UINT64_C(0x8080000) + (n) * 0x1000000)
#define GICR(n)  (GUEST_GICV3_GICR_BASE + (n) * 0x20000UL)
#define QUEUE    PAGE_SIZE
#define DEVICE   8u

static struct domain *d;
static u64 queue[2], table[2];
static u32 tail[2];
static pthread_mutex_t guest_lock[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t anew_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vcpu *waiting[VCPUS];      /* for a CPU, the first of them longest */
static u32 nr_waiting;
static u32 in_hand[VCPUS];               /* acknowledged, and not yet ended */
static u32 sent[LPIS], seen[LPIS];
static bool all_sent;
static time_t end;

u64 arch_counter(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 62500000 + (u64)t.tv_nsec / 16;
}

bool vtimer_virt_line(const struct vcpu *v) { (void)v; return true; }
int irq_release_from_guest(u32 host_irq, struct domain *dom) { (void)host_irq; (void)dom; return 0; }

void vcpu_kick(struct vcpu *v, u32 pending)
{
    atomic_fetch_or(&v->pending, pending);
}

/* ---- the machine's services ---- */
static struct host_lpi { u32 mapped, on, cpu, pending; } host[LPIS];

static struct host_lpi *of(const struct its_event *e) { return &host[e->lpi - LPI_FIRST]; }
static u32 h_lpi_bits(void) { return LPI_ID_BITS; }
static u32 h_bits(u32 its) { (void)its; return 10; }
static void h_unmap_device(u32 its, u32 device, u32 bits, void *itt) { (void)its; (void)device; (void)bits; (void)itt; }
static void h_move(const struct its_event *e) { atomic_store(&of(e)->cpu, e->cpu); }
static void h_map(const struct its_event *e) { h_move(e); atomic_store(&of(e)->mapped, 1); }
static void h_clear(const struct its_event *e) { atomic_store(&of(e)->pending, 0); }
static void h_discard(const struct its_event *e) { atomic_store(&of(e)->mapped, 0); h_clear(e); }
static void h_enable(const struct its_event *e, bool on) { atomic_store(&of(e)->on, on); }
static void h_complete(u32 its) { (void)its; }

static int h_map_device(u32 its, u32 device, u32 bits, void **itt)
{
    (void)its;
    (void)device;
    (void)bits;
    *itt = &fake;
    return 0;
}

static const struct its_ops host_its = {
    .lpi_bits = h_lpi_bits, .device_bits = h_bits, .event_bits = h_bits, .map_device = h_map_device,
    .unmap_device = h_unmap_device, .map = h_map, .move = h_move, .discard = h_discard, .clear = h_clear,
    .enable = h_enable, .complete = h_complete,
};
static const struct irqchip_ops plain = FAKE_OPS(3);
static struct irqchip_ops ops;

static void take_irqs(void)
{
    for (u32 n = 0; n < LPIS; n++) {
        struct host_lpi *h = &host[n];

        if (atomic_load(&h->mapped) && atomic_load(&h->on) && atomic_load(&h->cpu) == cpu_id() &&
            atomic_exchange(&h->pending, 0)) {
            (void)vgic_inject_lpi(LPI_FIRST + n);
        }
    }
}

/* ---- CPUs ---- */
static void enter(struct vcpu *v)
{
    unit_set_current(v);
    vgic_restore(v);
}

/* Another vCPU's turn, on this CPU. */
static struct vcpu *change(struct vcpu *v)
{
    (void)vgic_irq_deliverable(v);
    vgic_save(v);
    unit_set_current(pcpus[cpu_id()]->idle);
    pthread_mutex_lock(&run_lock);
    waiting[nr_waiting] = v;
    v = waiting[0];
    for (u32 i = 0; i < nr_waiting; i++) {
        waiting[i] = waiting[i + 1];
    }
    pthread_mutex_unlock(&run_lock);
    enter(v);
    return v;
}

static void pass_exit(struct vcpu *v)
{
    u32 todo = atomic_exchange(&v->pending, 0);

    if (todo & PEND_SYNC) {
        vgic_sync(v);
    }
    if (todo & PEND_VGIC) {
        vgic_flush(v);
    }
    if (todo & PEND_ITS) {
        vgic_its_work(v);
    }
}

static void guest_ends(const struct vcpu *v)
{
    if (in_hand[v->id] != 0) {
        guest_eoi(in_hand[v->id]);
        in_hand[v->id] = 0;
        if (fake_maintenance()) {
            vgic_maintenance();
        }
    }
}

/* What the handler does: it has seen all that was sent before it was called. */
static void guest_takes(const struct vcpu *v)
{
    u32 irq = in_hand[v->id] == 0 ? guest_ack() : FAKE_NONE;

    if (irq != FAKE_NONE) {
        u32 *s = &seen[irq - LPI_FIRST], all = atomic_load_acquire(&sent[irq - LPI_FIRST]), was = atomic_load(s);

        assert_in_range(irq, LPI_FIRST, LPI_FIRST + LPIS - 1);
        while (was < all && !atomic_cmpxchg(s, &was, all)) {
        }
        in_hand[v->id] = irq;
    }
}

/* ---- dom0's accesses ---- */
static u64 access_reg(struct vcpu *v, u64 gpa, u32 size, bool write, u64 value)
{
    const struct mmio_region *r = mmio_find(&d->arch.mmio, gpa);

    if (write) {
        r->write(v, gpa - r->base + r->first, size, value);
        return 0;
    }
    return r->read(v, gpa - r->base + r->first, size);
}

static u32 rd(struct vcpu *v, u64 gpa) { return (u32)access_reg(v, gpa, 4, false, 0); }
static void wr(struct vcpu *v, u64 gpa, u32 value) { (void)access_reg(v, gpa, 4, true, value); }

/* If there is room. */
static void command(struct vcpu *v, u32 its, u64 w0, u64 w1, u64 w2)
{
    u64 *to;

    pthread_mutex_lock(&guest_lock[its]);
    if ((tail[its] + 32) % QUEUE != (rd(v, ITS(its) + 0x90) & ~1u)) {
        to = unit_guest_ptr(d, queue[its] + tail[its]);
        to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w2;
        tail[its] = (tail[its] + 32) % QUEUE;
        wr(v, ITS(its) + 0x88, tail[its]);
    }
    pthread_mutex_unlock(&guest_lock[its]);
}

/* Event n is at service n % 2. */
static void event(struct vcpu *v, u32 n, u32 c, u64 w1_high, u64 w2)
{
    command(v, n % 2, c | (u64)DEVICE << 32, n | w1_high << 32, w2);
}

static void map_collection(struct vcpu *v, u32 its, u32 n, u32 vcpu)
{
    command(v, its, 9, 0, BIT(63) | (u64)vcpu << 16 | n);
}

static void map_lpi(struct vcpu *v, u32 n) { event(v, n, 10, LPI_FIRST + n, n < KEPT ? n % 3 : 3); }

static void wait_done(struct vcpu *v)
{
    for (u32 its = 0; its < 2; its++) {
        for (u32 i = 0; i < 1000 && rd(v, ITS(its) + 0x90) != rd(v, ITS(its) + 0x88); i++) {
            pass_exit(v);
        }
    }
}

/* vCPU 3's LPIs off and on, with another table in between: nothing that pended is there afterwards. */
static void anew(struct vcpu *v, u32 random)
{
    if (pthread_mutex_trylock(&anew_lock) != 0) {
        return;
    }
    wr(v, GICR(3), 0);
    for (u32 n = KEPT; n < LPIS; n++) {
        struct vgic_irq *irq = &vgic_lpi_of(d->arch.vgic.lpis, LPI_FIRST + n)->irq;
        struct vcpu *home = vgic_irq_lock(irq);

        assert_false(irq->latch);
        assert_true(irq->lr == 0 || irq->want_unpend || !vgic_reachable(home) ||
                    !(vgic_lr_peek(home, irq) & LR_PENDING));
        spin_unlock(&home->arch.vgic.lock);
    }
    (void)access_reg(v, GICR(3) + 0x70, 8, true, table[random % 2] | (LPI_ID_BITS - 1));
    wr(v, GICR(3), 1);
    pthread_mutex_unlock(&anew_lock);
}

static void meddle(struct vcpu *v, u32 random)
{
    u32 n = random / 16 % KEPT, other = KEPT + random / 16 % (LPIS - KEPT), to = random / 256 % 3;

    switch (random % 16) {
    case 0: case 1: case 2: event(v, n, 1, 0, to); break;                        /* MOVI */
    case 3: map_collection(v, n % 2, n % 3, to); break;
    case 4: command(v, n % 2, 13, 0, to); break;                                 /* INVALL */
    case 5: event(v, n, 12, 0, 0); break;                                        /* INV */
    case 6: atomic_fetch_add(&sent[n], 1); event(v, n, 3, 0, 0); break;          /* INT */
    case 7: event(v, other, 15, 0, 0); break;                                    /* DISCARD */
    case 8: map_lpi(v, other); break;
    case 9: event(v, other, 4, 0, 0); break;                                     /* CLEAR */
    case 10: event(v, other, 3, 0, 0); break;
    case 11: anew(v, random / 16); break;
    case 12: wr(v, GUEST_GICD_BASE, 0x10); wr(v, GUEST_GICD_BASE, 0x12); break;
    case 13: wait_done(v); break;
    case 14: command(v, 1, 8 | (u64)(DEVICE + 1) << 32, 3, random & 16 ? BIT(63) : 0); break;    /* MAPD */
    default: (void)rd(v, ITS(n % 2) + 0x90);
    }
}

static bool all_seen(void)
{
    for (u32 n = 0; n < KEPT; n++) {
        if (atomic_load(&seen[n]) != atomic_load(&sent[n])) {
            return false;
        }
    }
    return true;
}

static void cpu(void)
{
    u32 random = cpu_id() * 77 + 1;
    struct vcpu *v;

    pthread_mutex_lock(&run_lock);
    v = waiting[--nr_waiting];
    pthread_mutex_unlock(&run_lock);
    enter(v);
    while (time(NULL) < end && !(atomic_load(&all_sent) && all_seen())) {
        random = random * 1664525 + 1013904223;
        take_irqs();
        pass_exit(v);
        guest_ends(v);
        guest_takes(v);
        if (!atomic_load(&all_sent) && random >> 28 < 6) {
            meddle(v, random >> 8);
        }
        if (random >> 24 % 16 == 0 || (random >> 16) % 8 == 0) {
            v = change(v);
        }
    }
    vgic_save(v);
    unit_set_current(pcpus[cpu_id()]->idle);
}

static void devices(void)
{
    u32 random = 5;

    for (u32 i = 0; i < MESSAGES && time(NULL) < end; i++) {
        u32 n;

        random = random * 1664525 + 1013904223;
        n = (random >> 16) % LPIS;
        atomic_fetch_add(&sent[n], 1);
        atomic_store_release(&host[n].pending, 1);
        if (i % 8 == 0) {
            sched_yield();
        }
    }
    atomic_store_release(&all_sent, true);
}

static void test_all_at_once(void **state)
{
    (void)state;
    for (u32 i = 0; i < VCPUS; i++) {
        waiting[nr_waiting++] = d->vcpu[i];
    }
    for (u32 i = 0; i < CPUS; i++) {
        unit_thread_start(i, cpu);
    }
    unit_thread_start(CPUS, devices);
    for (u32 i = 0; i <= CPUS; i++) {
        unit_thread_join(i);
    }
    for (u32 n = 0; n < KEPT; n++) {
        assert_true(sent[n] > MESSAGES / LPIS / 2);
        assert_int_equal(seen[n], sent[n]);
    }
    for_each_vcpu (d, v) {
        spin_lock(&v->arch.vgic.lock);
        (void)vgic_check_all(v);
        spin_unlock(&v->arch.vgic.lock);
    }
}

/* ---- off, while messages come ---- */
static bool stop;

static void sender(void)
{
    while (!atomic_load(&stop)) {
        (void)vgic_inject_lpi(LPI_FIRST + KEPT);
    }
}

static void test_off(void **state)
{
    struct vcpu *v = d->vcpu[0];
    struct vgic_irq *irq = &vgic_lpi_of(d->arch.vgic.lpis, LPI_FIRST + KEPT)->irq;
    time_t until = time(NULL) + 5;
    u32 left = 0, rounds = 0;

    (void)state;
    unit_set_cpu(0);
    enter(v);
    stop = false;
    unit_thread_start(1, sender);
    unit_thread_start(2, sender);
    for (; left == 0 && (rounds < 10000 || time(NULL) < until) && time(NULL) < end; rounds++) {
        struct vcpu *home;

        wr(v, GICR(3), 0);
        for (u32 look = 0; look < 3; look++) {
            home = vgic_irq_lock(irq);
            left += irq->latch || (irq->lr != 0 && (vgic_lr_peek(home, irq) & LR_PENDING));
            spin_unlock(&home->arch.vgic.lock);
        }
        wr(v, GICR(3), 1);
    }
    atomic_store(&stop, true);
    unit_thread_join(1);
    unit_thread_join(2);
    vgic_save(v);
    assert_int_equal(left, 0);
}

static int setup(void **state)
{
    const struct machine_its its[2] = { { .base = ITS(0) }, { .base = ITS(1) } };
    struct vcpu *v;

    unit_setup(state);
    ops = plain;
    ops.its = &host_its;
    irqchip = &ops;
    vgic_host = irqchip->virt;
    memset(&fake, 0, sizeof(fake));
    memset(host, 0, sizeof(host));
    memset(sent, 0, sizeof(sent));
    memset(seen, 0, sizeof(seen));
    tail[0] = tail[1] = nr_waiting = 0;
    all_sent = false;
    end = time(NULL) + SECONDS;
    d = unit_domain(1, VCPUS);
    d->arch.event_ppi = 31;
    assert_int_equal(vgic_init_domain(d, 3, 32), 0);
    d->arch.vgic.ctlr = 3;
    for_each_vcpu (d, each) {
        vgic_init_vcpu(each);
        each->arch.vtimer.virt_irq = 27;
        each->arch.vgic.vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
    }
    assert_int_equal(vgic_create_lpis(d, its, 2), 0);
    v = d->vcpu[0];
    unit_set_cpu(0);
    enter(v);
    for (u32 i = 0; i < 2; i++) {
        queue[i] = unit_guest_alloc(d, QUEUE);
        table[i] = unit_guest_alloc(d, PAGE_SIZE);
        for (u32 n = 0; n < LPIS; n++) {
            ((u8 *)unit_guest_ptr(d, table[i]))[n] = n < KEPT || i == 0 ? (u8)(0x81 + n % 4 * 8) : 0x80;
        }
    }
    for (u32 i = 0; i < VCPUS; i++) {
        (void)access_reg(v, GICR(i) + 0x70, 8, true, table[0] | (LPI_ID_BITS - 1));
        wr(v, GICR(i), 1);
    }
    for (u32 i = 0; i < 2; i++) {
        (void)access_reg(v, ITS(i) + 0x80, 8, true, BIT(63) | queue[i]);
        wr(v, ITS(i), 1);
        for (u32 n = 0; n < VCPUS; n++) {
            map_collection(v, i, n, n);
        }
        command(v, i, 8 | (u64)DEVICE << 32, 4, BIT(63));
    }
    for (u32 n = 0; n < LPIS; n++) {
        map_lpi(v, n);
    }
    wait_done(v);
    vgic_save(v);
    unit_set_current(pcpus[0]->idle);
    return 0;
}

static int teardown(void **state)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;

    its_free_devices(l);
    its_free_lpis(l);
    vgic_destroy_domain(d);
    return unit_teardown(state);
}

#define race_case(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { race_case(test_all_at_once), race_case(test_off) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
