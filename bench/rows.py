# SPDX-License-Identifier: MIT
"""What is measured: name in the payload's output, text for people, our goal.

Rows that end in _8g come from a run on a machine with 10 GiB, those that end in _2 from a machine with two CPUs.
"""
from typing import NamedTuple, Optional


class Row(NamedTuple):
    """One operation. Figures are instructions, guest and hypervisor together."""

    id: str
    text: str
    goal: Optional[int] = None
    kvm: bool = False  # there is such an operation in a virtual machine of KVM


ROWS = [
    Row("hypercall", "null hypercall (xen_version(0))", 100),
    Row("psci", "PSCI_VERSION by HVC", 110, kvm=True),
    Row("yield_alone", "sched_op(yield), nobody else to run", 250),
    Row("id_register", "read of ID_AA64PFR0_EL1", 90, kvm=True),
    Row("mmio", "trapped MMIO read, GICD_TYPER", 150, kvm=True),
    Row("sgi_self", "SGI to self, until EOI", 300, kvm=True),
    Row("timer", "virtual timer interrupt, armed to EOI", 350, kvm=True),
    Row("event_self", "event channel send to self, until EOI", 450),
    Row("event_masked", "event channel send, port masked", 180),
    Row("give_and_take", "give a 4K page back and populate it again", 1200),
    Row("grant", "grant map + unmap of one page", 1200),
    Row("switch", "switch between two vCPUs by yield", 800),
    Row("ping_pong", "IPI ping-pong, asleep, on one pCPU", 2500, kvm=True),
    Row("wfi_timer", "WFI with a timer due in 32000, until EOI", 32800, kvm=True),
    Row("sgi_running", "SGI to a running vCPU on another pCPU", kvm=True),
    Row("ping_pong_2", "IPI ping-pong, asleep, on two pCPUs", kvm=True),
    Row("event_domains", "event to another domain and back, one pCPU"),
    Row("event_domains_2", "event to another domain and back, two pCPUs"),
    Row("device_interrupt", "device interrupt, raised to EOI"),
    Row("complete_device", "device interrupt, acknowledge to EOI"),
    Row("complete_timer", "virtual timer interrupt, acknowledge to EOI", kvm=True),
    Row("multicall_1", "multicall of 1 xen_version"),
    Row("multicall_64", "multicall of 64 xen_version"),
    Row("memory_64", "give 64 pages back and populate them"),
    Row("first_touch", "first touch of a 2M block of RAM", kvm=True),
    Row("foreign_map", "foreign map + unmap of one page"),
    Row("cpu_on", "CPU_ON to the first instruction there"),
    Row("domain_create", "create 256 MiB guest to its 1st instruction"),
    Row("domain_destroy", "destroy the 256 MiB guest"),
    Row("domain_create_8g", "create 8 GiB guest to its 1st instruction"),
    Row("domain_destroy_8g", "destroy the 8 GiB guest"),
    Row("boot", "reset to first dom0 instruction", 12000000),
]

HYPERVISORS = {"argon": "Argon", "xen": "Xen 4.17", "kvm_nvhe": "KVM nVHE", "kvm_vhe": "KVM VHE"}

# The scaling table: its rows are those of ROWS, and each column a machine with more of one thing.
SCALING_ROWS = ["hypercall", "psci", "yield_alone", "id_register", "mmio", "sgi_self", "timer", "wfi_timer",
                "event_self", "event_masked", "event_domains", "give_and_take", "grant", "foreign_map", "switch",
                "ping_pong", "boot"]


class Load(NamedTuple):
    """One column: what there is more of than in the first."""

    id: str
    text: str
    args: str
    vcpus: int = 2
    memory: int = 1024


# One sleeping domain of one 4 KiB page, dom0 with the vCPUs that a row needs, one event channel, 1 GiB of RAM.
BASE = Load("base", "base", "scaling")
LOADS = [BASE, Load("domains", "64 domains", "scaling+domains=64"), Load("vcpus", "8 vCPUs", "scaling+vcpus=8", 8),
         Load("ports", "512 channels", "scaling+ports=512")]


def large_guest(gib):
    """The column with a guest of that size instead of 4 KiB, on a machine that has room for it."""
    return Load("memory", f"{gib} GiB guest", f"scaling+guest={gib << 20}", 2, (gib + 2) << 10)
