/* SPDX-License-Identifier: MIT */
/*
 * Guests' firmware: PSCI 1.1 (DEN0022) and the SMC calling convention 1.1 (DEN0028), by one table. Results go to x0
 * (UIDs to x0..x3) of the caller; an unknown function returns NOT_SUPPORTED.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/percpu.h>
#include <asm/firmware.h>
#include <vdev/vgic.h>
#include <vdev/vpsci.h>
#include <vdev/vtimer.h>

#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_INVALID_ADDRESS    (-9)

#define PSCI_ON  0
#define PSCI_OFF 1

#define FID_PSCI_FEATURES  0x8400000a
#define FID_SMCCC_VERSION  0x80000000
#define FID_SMC64          BIT32(30)

/* Fields of an MPIDR value as an argument: the affinities; the others must be zero (DEN0022 5.1.4). */
#define MPIDR_AFFINITY (GENMASK(39, 32) | GENMASK(23, 0))

/* Returns what goes to x0. */
typedef s64 smccc_fn(struct vcpu *v, const u64 *arg);

struct smccc_row {
    u32 fid;
    smccc_fn *fn;
    bool psci_feature;           /* PSCI_FEATURES says it is there */
};

static s64 psci_version(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    return 0x10001;
}

/* A trusted OS that needs migration is not present. */
static s64 psci_migrate_info_type(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    return 2;
}

/* Any power state: standby until an interrupt, as after WFI; returns at once when one is pending (DEN0022 5.4). */
static s64 psci_cpu_suspend(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    vcpu_block_current();
    return PSCI_SUCCESS;
}

static s64 psci_cpu_off(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    vcpu_stop(v, VPF_DOWN);
    return PSCI_SUCCESS;
}

/* The vCPU with that affinity: 0.0.(n / 16).(n % 16). NULL: none. */
static struct vcpu *by_affinity(const struct domain *d, u64 mpidr)
{
    u64 id = (mpidr >> 8 & 0xff) * 16 + (mpidr & 0xff);

    return (mpidr & ~UINT64_C(0xffff)) || (mpidr & 0xff) >= 16 ? NULL : domain_vcpu(d, id);
}

/*
 * Under the domain's lock, so that of two callers one is told ALREADY_ON. A vCPU on its way off is on until it has
 * left its CPU.
 */
static s64 psci_cpu_on(struct vcpu *v, const u64 *arg)
{
    struct domain *d = v->domain;
    struct vcpu *target = by_affinity(d, arg[1]);
    s64 ret = PSCI_SUCCESS;

    if (target == NULL) {
        return PSCI_INVALID_PARAMETERS;
    }
    spin_lock(&d->lock);
    if (!(atomic_load(&target->pause_flags) & VPF_DOWN) || !vcpu_is_descheduled(target)) {
        ret = PSCI_ALREADY_ON;
    } else if (arch_vcpu_boot(target, arg[2], arg[3]) != 0) {
        ret = PSCI_INVALID_ADDRESS;
    } else {
        vgic_reset_cpu_interface(target);
        vtimer_reset_vcpu(target);
        vcpu_unblock(target, VPF_DOWN | VPF_BLOCKED);
    }
    spin_unlock(&d->lock);
    return ret;
}

/* Only affinity level 0 is asked for by PSCI 1.0 callers; a higher level is on while one of its vCPUs is. */
static s64 psci_affinity_info(struct vcpu *v, const u64 *arg)
{
    const struct domain *d = v->domain;
    u64 level = arg[2];
    u64 mask = level <= 3 ? MPIDR_AFFINITY & (UINT64_MAX << (level == 3 ? 32 : level * 8)) : 0;
    bool found = false, on = false;

    if (level > 3 || (arg[1] & ~MPIDR_AFFINITY)) {
        return PSCI_INVALID_PARAMETERS;
    }
    for_each_vcpu (d, t) {
        if (((arch_vcpu_mpidr(t) ^ arg[1]) & mask) == 0) {
            found = true;
            on = on || !(atomic_load(&t->pause_flags) & VPF_DOWN) || !vcpu_is_descheduled(t);
        }
    }
    if (!found) {
        return PSCI_INVALID_PARAMETERS;
    }
    return on ? PSCI_ON : PSCI_OFF;
}

static s64 psci_system_off(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    domain_shutdown(v->domain, SHUTDOWN_poweroff);
    return PSCI_SUCCESS;
}

static s64 psci_system_reset(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    domain_shutdown(v->domain, SHUTDOWN_reboot);
    return PSCI_SUCCESS;
}

static s64 smccc_version(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    return 0x10001;
}

/* Functions of the architecture's range (DEN0028 7.3): ours, and the CPUs' workarounds as they need them. */
static s64 smccc_arch_features(struct vcpu *v, const u64 *arg)
{
    u32 fid = (u32)arg[1];

    (void)v;
    if (fid == FID_WORKAROUND_1 || fid == FID_WORKAROUND_2 || fid == FID_WORKAROUND_3) {
        return firmware_guest_workaround(fid);
    }
    if (fid == FID_SOC_ID) {
        return firmware_arch_features(fid);
    }
    return fid == FID_SMCCC_VERSION || fid == FID_ARCH_FEATURES ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

/* Version (0) and revision (1) of the machine, as the host's firmware tells them. */
static s64 smccc_soc_id(struct vcpu *v, const u64 *arg)
{
    (void)v;
    if (arg[1] > 1 || firmware_arch_features(FID_SOC_ID) < 0) {
        return PSCI_NOT_SUPPORTED;
    }
    return (s32)firmware_call(FID_SOC_ID, arg[1]);
}

static s64 smccc_workaround(struct vcpu *v, const u64 *arg)
{
    return firmware_guest_workaround_call(v, (u32)arg[0], arg[1]);
}

/*
 * Services of standard (owner 4) and standard hypervisor (owner 5) range: how many calls, whose, which revision
 * (DEN0028 6.2).
 */
static s64 std_call_count(struct vcpu *v, const u64 *arg);
static s64 hyp_call_count(struct vcpu *v, const u64 *arg);

/* A UID's bytes in the order of its text form, as four little-endian words in w0..w3. */
static s64 return_uid(struct vcpu *v, u32 w0, u32 w1, u32 w2, u32 w3)
{
    v->arch.regs.x[1] = w1;
    v->arch.regs.x[2] = w2;
    v->arch.regs.x[3] = w3;
    return w0;
}

/* f863386f-4b39-4cbd-9220-ce1641e59f6f: the value guests of this ABI expect of the standard service. */
static s64 std_uid(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    return return_uid(v, 0x6f3863f8, 0xbd4c394b, 0x16ce2092, 0x6f9fe541);
}

/* a71812dc-c698-4369-9acf-79d18ddee667. */
static s64 hyp_uid(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    return return_uid(v, 0xdc1218a7, 0x694398c6, 0xd179cf9a, 0x67e6de8d);
}

/* Revision 0.1: major in w0, minor in w1. */
static s64 service_revision(struct vcpu *v, const u64 *arg)
{
    (void)arg;
    v->arch.regs.x[1] = 1;
    return 0;
}

static s64 psci_features(struct vcpu *v, const u64 *arg);

static const struct smccc_row smccc_table[] = {
    { 0x84000000, psci_version, true },                  /* PSCI_VERSION 5.1.1 */
    { 0x84000001, psci_cpu_suspend, true },              /* CPU_SUSPEND 5.1.2 */
    { 0xc4000001, psci_cpu_suspend, true },
    { 0x84000002, psci_cpu_off, true },                  /* CPU_OFF 5.1.3 */
    { 0x84000003, psci_cpu_on, true },                   /* CPU_ON 5.1.4 */
    { 0xc4000003, psci_cpu_on, true },
    { 0x84000004, psci_affinity_info, true },            /* AFFINITY_INFO 5.1.5 */
    { 0xc4000004, psci_affinity_info, true },
    { 0x84000006, psci_migrate_info_type, true },        /* MIGRATE_INFO_TYPE 5.1.7 */
    { 0x84000008, psci_system_off, true },               /* SYSTEM_OFF 5.1.9 */
    { 0x84000009, psci_system_reset, true },             /* SYSTEM_RESET 5.1.10 */
    { FID_PSCI_FEATURES, psci_features, true },          /* PSCI_FEATURES 5.1.15 */
    { FID_SMCCC_VERSION, smccc_version, true },          /* DEN0028 7.2 */
    { FID_ARCH_FEATURES, smccc_arch_features, false },   /* 7.3 */
    { FID_SOC_ID, smccc_soc_id, false },                 /* 7.4 */
    { FID_WORKAROUND_1, smccc_workaround, false },       /* 7.5 */
    { FID_WORKAROUND_2, smccc_workaround, false },       /* 7.6 */
    { FID_WORKAROUND_3, smccc_workaround, false },       /* 7.7 */
    { 0x8400ff00, std_call_count, false },
    { 0x8400ff01, std_uid, false },
    { 0x8400ff03, service_revision, false },
    { 0x8500ff00, hyp_call_count, false },
    { 0x8500ff01, hyp_uid, false },
    { 0x8500ff03, service_revision, false },
    { 0x00000001, psci_cpu_off, false },                 /* PSCI 0.1, with the ids our device tree gives */
    { 0x00000002, psci_cpu_on, false },
};

static const struct smccc_row *find_row(u32 fid)
{
    for (u32 i = 0; i < ARRAY_SIZE(smccc_table); i++) {
        if (smccc_table[i].fid == fid) {
            return &smccc_table[i];
        }
    }
    return NULL;
}

static s64 psci_features(struct vcpu *v, const u64 *arg)
{
    const struct smccc_row *row = find_row((u32)arg[1]);

    (void)v;
    return row != NULL && row->psci_feature ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

/* Functions of one owner, the three general ones included. */
static s64 count_calls(u32 owner)
{
    s64 n = 0;

    for (u32 i = 0; i < ARRAY_SIZE(smccc_table); i++) {
        n += (smccc_table[i].fid & 0xbf000000) == (0x80000000 | owner << 24);
    }
    return n;
}

static s64 std_call_count(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    return count_calls(4);
}

static s64 hyp_call_count(struct vcpu *v, const u64 *arg)
{
    (void)v;
    (void)arg;
    return count_calls(5);
}

bool vpsci_call(struct vcpu *v)
{
    u64 *x = v->arch.regs.x;
    u32 fid = (u32)x[0];
    const struct smccc_row *row = find_row(fid);
    u64 arg[4] = { fid, x[1], x[2], x[3] };

    if (unlikely(row == NULL || (v->domain->is_32bit && (fid & FID_SMC64)))) {
        x[0] = (u64)(s64)PSCI_NOT_SUPPORTED;
        return true;
    }
    if (!(fid & FID_SMC64)) {
        /* Arguments of an SMC32 call are 32 bits wide. The ids of PSCI 0.1 have no such bit: native width. */
        for (u32 i = 1; i < 4 && (fid & 0x80000000); i++) {
            arg[i] = (u32)arg[i];
        }
    }
    x[0] = (u64)row->fn(v, arg);
    return true;
}
