# SPDX-License-Identifier: MIT
"""dom0 under UEFI: from ACPI's tables alone, and with a device tree."""

import re

import pytest

import machine as machines

DISK = machines.IMAGES / "guest.cpio.gz"
DEVICES = ["-drive", f"if=none,id=more,format=raw,readonly=on,file={DISK}", "-device", "virtio-blk-pci,drive=more",
           "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]


@pytest.fixture
def disk(uefi_disk):
    """Argon where firmware looks for it, and dom0."""
    uefi_disk.application()
    uefi_disk.boot_files()
    return uefi_disk.folder


def interrupts(dom0):
    """What the kernel says of the PCI devices' interrupts: kind -> how often they came, on all CPUs together."""
    out = {}
    name = "(" + "|".join(dom0.run("cd /sys/bus/pci/devices && ls -d */virtio* | sed s,.*/,,").split()) + ")"
    for line in dom0.run("cat /proc/interrupts").splitlines():
        found = re.match(r" *\d+:((?: +\d+)+) +(\S+) .*" + name, line)
        if found:
            out[found.group(2)] = out.get(found.group(2), 0) + sum(map(int, found.group(1).split()))
    return out


@pytest.mark.parametrize("gic, cpus, kind", [(2, 4, "MSI"), (3, 4, "ITS-MSI")])
def test_acpi(make_machine, disk, gic, cpus, kind):
    """All CPUs, a PCI disk and network card; their interrupts are messages where the GIC takes such."""
    with make_machine(uefi=disk, acpi=True, gic=gic, smp=cpus, extra=DEVICES, network=True) as dom0:
        dom0.boot()
        assert dom0.run("ls -d /sys/firmware/devicetree/base/cpus 2>/dev/null || echo none") == "none"
        assert dom0.run("nproc") == str(cpus)
        assert dom0.run("ls -d /sys/devices/system/cpu/cpu? | wc -l") == str(cpus)
        assert "STAO" in dom0.run("ls /sys/firmware/acpi/tables")
        dom0.run("modprobe -a virtio_pci virtio_blk virtio_net; sleep 2")
        disk = dom0.run("cd /sys/bus/pci/devices && ls */virtio*/block")
        assert int(dom0.run(f"dd if=/dev/{disk} bs=64k iflag=direct 2>/dev/null | wc -c")) > 1 << 20
        dom0.run("ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0 && ping -c 2 10.0.2.2")
        came = interrupts(dom0)
        assert list(came) == [kind] and came[kind] > 3
        messages = dom0.run("dmesg")
        assert "SMBIOS 3" in messages
        for bad in ("Firmware Bug", "Call trace", "ACPI Error", "ACPI Warning"):
            assert bad not in messages
        # What firmware's map says is UEFI's own, and the hypervisor's devices, nobody has.
        assert dom0.run("grep -c -E '^ *(04000000|09000000|09010000)-' /proc/iomem || true") == "0"
        assert "Domain-0" in dom0.run("xl list")
        dom0.run("echo 0 > /sys/devices/system/cpu/cpu1/online && echo 1 > /sys/devices/system/cpu/cpu1/online")


def test_device_tree(make_machine, disk):
    """The host's tree, and memory by UEFI's map."""
    with make_machine(uefi=disk, extra=DEVICES, network=True) as dom0:
        dom0.boot()
        assert dom0.run("ls /sys/firmware/acpi 2>/dev/null || echo none") == "none"
        assert dom0.run("ls -d /sys/firmware/efi") == "/sys/firmware/efi"
        # Clock and flash are for UEFI's runtime services.
        assert dom0.run("ls /proc/device-tree | grep -c -E 'pl031|flash' || true") == "0"
        ram = [line.split(" : ")[0].split("-") for line in dom0.run("grep 'System RAM' /proc/iomem").splitlines()]
        assert sum(int(end, 16) - int(start, 16) + 1 for start, end in ram) == 768 << 20
        assert "Domain-0" in dom0.run("xl list")
