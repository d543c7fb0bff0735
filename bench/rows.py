# SPDX-License-Identifier: MIT
"""What is measured: name in the payload's output, text for people, our goal, and KVM's figures for reference.

Rows that end in _8g come from a second run, on a machine with 10 GiB. Goals and KVM figures are those of the project's
baseline, measured with GICv3 on QEMU 7.2; KVM is not run here.
"""
from typing import NamedTuple, Optional


class Row(NamedTuple):
    """One operation. Figures are instructions, guest and hypervisor together."""

    id: str
    text: str
    goal: Optional[int]
    kvm_nvhe: Optional[int] = None
    kvm_vhe: Optional[int] = None


ROWS = [
    Row("hypercall", "null hypercall (xen_version(0))", 100),
    Row("psci", "PSCI_VERSION by HVC", 110, 1599, 1084),
    Row("yield_alone", "sched_op(yield), nobody else to run", 250),
    Row("id_register", "read of ID_AA64PFR0_EL1", 90, 1933, 1459),
    Row("mmio", "trapped MMIO read, GICD_TYPER", 150, 2327, 1848),
    Row("sgi_self", "SGI to self, until EOI", 300, 2982, 2524),
    Row("timer", "virtual timer interrupt, armed to EOI", 350, 2953, 2469),
    Row("event_self", "event channel send to self, until EOI", 450),
    Row("event_masked", "event channel send, port masked", 180),
    Row("give_and_take", "give a 4K page back and populate it again", 1200),
    Row("grant", "grant map + unmap of one page", 1200),
    Row("switch", "switch between two vCPUs by yield", 800),
    Row("ping_pong", "IPI ping-pong of two sleeping vCPUs", 2500),
    Row("wfi_timer", "WFI with a timer due in 32000, until EOI", 32800, 34551, 34373),
    Row("multicall_1", "multicall of one xen_version", None),
    Row("multicall_64", "multicall of 64 xen_version", None),
    Row("memory_64", "give 64 pages back and populate them", None),
    Row("device_interrupt", "device interrupt, raised to EOI", None),
    Row("first_touch", "first touch of a 2M block of RAM", None),
    Row("cpu_on", "CPU_ON to the first instruction there", None),
    Row("event_domains", "event to another domain and back, asleep", None),
    Row("foreign_map", "foreign map + unmap of one page", None),
    Row("domain_create", "create 256 MiB guest to its 1st instruction", None),
    Row("domain_destroy", "destroy it, all memory back", None),
    Row("domain_create_8g", "create 8 GiB guest to its 1st instruction", None),
    Row("domain_destroy_8g", "destroy it, all memory back", None),
    Row("boot", "reset to first dom0 instruction", 12000000),
]
