# SPDX-License-Identifier: MIT
"""The checks of the layers find what goes the wrong way: symbols (scripts/layers.py) and includes (scripts/lint.py)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import layers  # noqa: E402
import lint  # noqa: E402

OBJECTS = """\
lib/string.o:0000000000000000 T memcpy
core/smp/smp.o:0000000000000000 B pcpus
core/smp/smp.o:0000000000000010 t local
core/mem/heap.o:0000000000000000 T xfree
vdev/vgic/vgic.o:0000000000000000 T vgic_dump
drivers/uart/drivers.o:0000000000000000 R uart_driver_list
arch/arm/cpu.o:0000000000000000 T arch_send_ipi
arch/arm/cpu.o:0000000000000020 T smccc_smc
boot/init.o:0000000000000000 T boot_main
"""


def findings(*undefined):
    lines = [f"{name}:                 U {symbol}" for name, symbol in (use.split() for use in undefined)]
    return list(layers.check(OBJECTS.splitlines() + lines, {"arch_send_ipi"}))


def test_symbols_that_may_be_used():
    assert findings("core/irq/irq.o memcpy", "core/irq/irq.o xfree", "core/irq/irq.o arch_send_ipi",
                    "boot/init.o vgic_dump", "arch/arm/head.o boot_main", "arch/arm/mmu.o image_start",
                    "boot/gunzip.o inflate", "vdev/vpsci.o arch_send_ipi", "drivers/irqchip/gicv3.o pcpus") == []


def test_symbols_of_a_layer_above():
    assert findings("core/irq/irq.o vgic_dump") == ["core/irq/irq.o (core) uses vgic_dump of vdev/vgic/vgic.o (vdev)"]
    assert findings("lib/rangeset.o xfree") == ["lib/rangeset.o (lib) uses xfree of core/mem/heap.o (core)"]
    assert findings("vdev/vpsci.o smccc_smc") == ["vdev/vpsci.o (vdev) uses smccc_smc of arch/arm/cpu.o (arch)"]
    assert len(findings("arch/arm/cpu.o boot_main", "core/panic.o boot_main", "drivers/x.o boot_main")) == 2


def test_symbols_of_a_layer_beside():
    assert findings("firmware/fdt/uart.o uart_driver_list") == [
        "firmware/fdt/uart.o (firmware) uses uart_driver_list of drivers/uart/drivers.o (drivers)"]


def test_symbols_of_nobody():
    assert findings("core/mem/heap.o fdt_open") == [
        "core/mem/heap.o (core): fdt_open is defined nowhere in the hypervisor"]
    assert len(findings("core/mem/heap.o image_start", "vdev/x.o inflate")) == 2


def test_contract_is_what_the_headers_declare():
    names = set().union(*(layers.declared(path.read_text()) for path in layers.contract_headers()))
    assert {"arch_send_ipi", "p2m_lookup", "copy_to_guest", "virt_to_mfn", "vgic_set_level"} <= names
    assert not {"vgic_dump", "smp_boot", "irq_handle", "boot_main", "machine"} & names
    assert layers.declared("/* f() */ int g(void);\nextern u64 h[4];\nextern struct s *i;") == {"g", "h", "i"}


def included(name, text):
    return [finding for _, finding in lint.check_c(name, text.splitlines())]


def test_includes():
    for header in ("<vdev/vgic.h>", "<asm/trap.h>", '"../../vdev/vgic/internal.h"', "<libfdt.h>"):
        for part in ("core/irq/irq.c", "lib/string.c", "firmware/machine.c", "include/argon/irq.h"):
            if header != "<libfdt.h>" or "firmware" not in part:
                assert included(f"hypervisor/{part}", f"#include {header}"), (header, part)
    assert included("hypervisor/vdev/vtimer.c", "#include <asm/trap.h>")
    assert included("hypervisor/drivers/irqchip/gicv3.c", "#include <vdev/vgic.h>")
    assert not included("hypervisor/drivers/irqchip/gicv3.c", "#include <vdev/vgic_host.h>")
    assert not included("hypervisor/vdev/vtimer.c", "#include <asm/vtimer.h>\n#include <vdev/vgic.h>")
    assert not included("hypervisor/core/irq/irq.c", '#include <asm/cpu.h>\n#include <stdarg.h>\n#include "internal.h"')
    assert not included("hypervisor/boot/init.c", "#include <asm/trap.h>")


def test_names():
    assert included("hypervisor/core/event/event.c", "    vgic_set_level(d, v, 31, true);")
    assert included("hypervisor/core/event/event.c", "    return d->arch.event_ppi;")
    assert not included("hypervisor/core/event/event.c", "    cfg.gic_version = c->arch.gic_version;")
    assert not included("hypervisor/vdev/vtimer.c", "    vgic_set_level(d, v, 31, true);")
