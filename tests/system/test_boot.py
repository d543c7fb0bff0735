# SPDX-License-Identifier: MIT
"""Boot to dom0's shell over machines, processors, sizes and GIC versions."""

import re
import time

import machine as machines
import pytest

PART = {"cortex-a53": "0xd03", "cortex-a57": "0xd07", "cortex-a72": "0xd08", "neoverse-n1": "0xd0c", "max": "0x051"}

# gic, cpu, CPUs, GiB: each value meets each GIC version, and the ends of the ranges meet each other.
MATRIX = [
    (3, "cortex-a53", 1, 1),
    (3, "cortex-a57", 3, 4),
    (3, "cortex-a72", 8, 2),
    (3, "neoverse-n1", 4, 8),
    (3, "max", 2, 16),
    (2, "cortex-a53", 8, 16),
    (2, "cortex-a57", 2, 1),
    (2, "cortex-a72", 6, 4),
    (2, "neoverse-n1", 7, 2),
    (2, "max", 5, 8),
]

KERNEL_TROUBLE = re.compile(r"WARNING:|BUG:|Oops|Call trace|Unhandled|Unable to handle|rcu_sched detected",
                            re.IGNORECASE)


def info(dom0):
    """xl info as a dictionary."""
    return dict(re.findall(r"^(\S+) *: (.*?) *$", dom0.run("xl info"), re.MULTILINE))


def check_dom0(dom0, gic, smp, gib):
    assert dom0.run("nproc") == str(smp)
    assert dom0.run("cat /proc/xen/capabilities") == "control_d"
    assert dom0.run("cat /sys/hypervisor/type") == "xen"
    messages = dom0.run("dmesg")
    assert not KERNEL_TROUBLE.search(messages), KERNEL_TROUBLE.findall(messages)
    assert f"Brought up 1 node, {smp} CPU" in messages
    assert "Using FIFO-based ABI" in messages
    # Interrupts: the GIC's version, the timer's and event channels' own on every CPU.
    interrupts = dom0.run("cat /proc/interrupts")
    controller = dom0.run("cat /proc/device-tree/in*/compatible | tr '\\0' '\\n'").split("\n")
    assert ("arm,gic-v3" in controller) == (gic == 3), controller
    for source in ("arch_timer", "xen-percpu-virq.*timer|arch_timer|xen-events"):
        lines = [line.split() for line in interrupts.split("\n") if re.search(rf" ({source})$", line)]
        assert lines, f"no interrupt for {source}:\n{interrupts}"
        for cpu in range(smp):
            assert any(int(words[1 + cpu]) > 0 for words in lines), \
                f"CPU {cpu} got no {source} interrupt:\n{interrupts}"

    facts = info(dom0)
    assert facts["nr_cpus"] == str(smp)
    assert facts["max_cpu_id"] == str(smp - 1)
    assert facts["nr_nodes"] == "1"
    assert (facts["xen_major"], facts["xen_minor"]) == ("4", "17")
    assert "xen-3.0-aarch64" in facts["xen_caps"].split()
    assert {"hvm", "hap"} <= set(facts["virt_caps"].split())
    assert facts["xen_pagesize"] == "4096"
    assert facts["cpu_mhz"] == "62.500"
    total, free = int(facts["total_memory"]), int(facts["free_memory"])
    assert gib * 1024 - 64 <= total <= gib * 1024
    assert 0 < free <= total - 512


@pytest.mark.parametrize("gic,cpu,smp,gib", MATRIX, ids=lambda value: str(value))
def test_boot(make_machine, gic, cpu, smp, gib):
    with make_machine(gic=gic, cpu=cpu, smp=smp, memory=gib * 1024, dom0_args=machines.PLAIN_DOM0,
                      hypervisor_args="console=dtuart dom0_mem=512M bootscrub=0") as dom0:
        dom0.boot()
        check_dom0(dom0, gic, smp, gib)
        parts = re.findall(r"CPU part\s*: (\S+)", dom0.run("cat /proc/cpuinfo"))
        assert parts == [PART[cpu]] * smp
        memory = int(re.search(r"MemTotal: *(\d+)", dom0.run("cat /proc/meminfo")).group(1))
        assert 440 * 1024 <= memory <= 512 * 1024


def test_plain_gicv2(make_machine, on_xen):
    """The driver's path for a GIC-400, which by itself is not taken on QEMU (tests/guest/plain_gicv2.txt)."""
    if on_xen:
        pytest.skip("an option of Argon's")
    with make_machine(gic=2, hypervisor_args="console=dtuart dom0_mem=512M bootscrub=0 gicv2_links=hardware") as dom0:
        dom0.boot()
        check_dom0(dom0, 2, 2, 2)
        assert "GICv2: links completed by hardware" in dom0.hypervisor_log()


def test_real_threads(make_machine):
    """As many host threads as CPUs: what the matrix, on a small host, runs one after the other."""
    with make_machine(smp=4, threads=True) as dom0:
        dom0.boot()
        check_dom0(dom0, 3, 4, 2)


def test_default_options(make_machine):
    """With no option but the console: memory scrubbed, dom0 of the default size, on all CPUs."""
    with make_machine(hypervisor_args="console=dtuart") as dom0:
        dom0.boot()
        check_dom0(dom0, 3, 2, 2)
        memory = int(re.search(r"MemTotal: *(\d+)", dom0.run("cat /proc/meminfo")).group(1))
        assert 440 * 1024 <= memory <= 512 * 1024
        skew = abs(int(dom0.run("date +%s")) - time.time())
        assert skew < 30, f"dom0's clock is {skew} s off"


def test_dom0_options(make_machine):
    """dom0_max_vcpus, dom0_vcpus_pin, maxcpus, sched: as written, so it is."""
    arguments = "console=dtuart dom0_mem=640M dom0_max_vcpus=2 dom0_vcpus_pin maxcpus=3 sched=credit2 bootscrub=0 " \
                "loglvl=all guest_loglvl=all sync_console"
    with make_machine(smp=4, hypervisor_args=arguments) as dom0:
        dom0.boot()
        assert dom0.run("nproc") == "2"
        facts = info(dom0)
        assert facts["nr_cpus"] == "3"
        assert facts["xen_scheduler"] == "credit2"
        assert facts["xen_commandline"] == arguments
        vcpus = [line.split() for line in dom0.run("xl vcpu-list 0").split("\n")[1:]]
        assert [words[2] for words in vcpus] == ["0", "1"]
        assert [words[6] for words in vcpus] == ["0", "1"], "dom0_vcpus_pin gives each vCPU its own CPU"
        listed = dom0.run("xl list 0").split("\n")[1].split()
        assert listed[:4] == ["Domain-0", "0", "640", "2"]


def test_unknown_scheduler(make_machine):
    """A scheduler that is not there is named, and another one taken."""
    with make_machine(hypervisor_args="console=dtuart dom0_mem=512M bootscrub=0 sched=nonesuch") as dom0:
        dom0.boot()
        assert info(dom0)["xen_scheduler"] in ("credit2", "credit", "null")
        assert re.search(r"nonesuch: no such scheduler|schedul.*nonesuch", dom0.hypervisor_log())
