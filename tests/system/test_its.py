# SPDX-License-Identifier: MIT
"""dom0's PCI devices with MSIs by an ITS, from a device tree; and without where there is none."""

import hashlib
import re
import subprocess

import pytest

import machine as machines

SIZE = 8 << 20
HYPERVISOR_ARGS = "console=dtuart dom0_mem=768M bootscrub=0"


@pytest.fixture
def disk(request):
    path = machines.BUILD / "tests" / "system" / f"{request.node.name}.img"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(hashlib.shake_128(b"disk").digest(SIZE))
    yield path
    path.unlink()


def devices(disk):
    return ["-drive", f"if=none,id=disk,format=raw,readonly=on,file={disk}", "-device", "virtio-blk-pci,drive=disk",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]


def interrupts(dom0):
    """Interrupts of the PCI devices: (kind, name) -> how often it came on each CPU."""
    out = {}
    for line in dom0.run("cat /proc/interrupts").splitlines():
        found = re.match(r" *\d+:((?: +\d+)+) +(\S+) .* (virtio\d+\S*)$", line)
        if found:
            out[found.group(2), found.group(3)] = [int(n) for n in found.group(1).split()]
    return out


def use(dom0, disk):
    """The disk reads as it is, and the network answers."""
    out = dom0.run("dd if=/dev/vda bs=64k iflag=direct 2>/dev/null | sha256sum")
    assert out.split()[0] == hashlib.sha256(disk.read_bytes()).hexdigest()
    dom0.run("ping -c 2 10.0.2.2")


def start(dom0):
    dom0.boot()
    dom0.run("modprobe -a virtio_pci virtio_blk virtio_net; sleep 2")
    dom0.run("ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0")


def test_msi(make_machine, disk):
    """All interrupts are messages, go where they are sent, also when that CPU goes, and Linux has nothing to say."""
    with make_machine(gic=3, smp=2, extra=devices(disk), network=True) as dom0:
        start(dom0)
        use(dom0, disk)
        came = interrupts(dom0)
        assert {kind for kind, _ in came} == {"ITS-MSI"}
        assert sum(map(sum, came.values())) > 20
        for cpu in (1, 0):
            dom0.run(f"for i in /proc/irq/*/smp_affinity_list; do echo {cpu} > $i 2>/dev/null; done; true")
            use(dom0, disk)
            inputs = [counts for (_, name), counts in interrupts(dom0).items() if "input" in name]
            before = inputs[0][cpu]
            use(dom0, disk)
            inputs = [counts for (_, name), counts in interrupts(dom0).items() if "input" in name]
            assert inputs[0][cpu] > before
        dom0.run("echo 0 > /sys/devices/system/cpu/cpu1/online")
        use(dom0, disk)
        dom0.run("echo 1 > /sys/devices/system/cpu/cpu1/online")
        use(dom0, disk)
        # Devices that go, and come again.
        dom0.run("modprobe -r virtio_net && modprobe virtio_net && sleep 1")
        dom0.run("ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0")
        use(dom0, disk)
        assert not re.search("WARNING|Call trace|ITS queue timeout", dom0.run("dmesg"))
        assert not re.search("ITS.*(ignored|refused|does not)", dom0.hypervisor_log())


def test_not_there(make_machine, disk, request):
    """A tree that names an ITS where nothing is: said, and dom0 has interrupts by wire."""
    dtb = machines.BUILD / "tests" / "system" / f"{request.node.name}.dtb"
    kernel, initrd = machines.IMAGES / "vmlinuz", machines.IMAGES / "dom0.cpio"
    machines.dump_dtb(machines.Options(gic=3, smp=2, extra=devices(disk), network=True), dtb)

    def put(kind, node, name, *values):
        subprocess.run(["fdtput", "-p", "-t", kind, dtb, node, name, *values], check=True)

    put("x", "/intc@8000000/its@8080000", "reg", "0", "b000000", "0", "20000")
    put("s", "/chosen", "xen,xen-bootargs", HYPERVISOR_ARGS)
    put("s", "/chosen", "xen,dom0-bootargs", "console=hvc0")
    load = [(kernel, machines.KERNEL_ADDRESS), (initrd, machines.INITRD_ADDRESS)]
    for (file, address), kind in zip(load, ("kernel", "ramdisk")):
        node = f"/chosen/module@{address:x}"
        put("s", node, "compatible", f"multiboot,{kind}", "multiboot,module")
        put("x", node, "reg", "0", f"{address:x}", "0", f"{file.stat().st_size:x}")
    with make_machine(gic=3, smp=2, extra=devices(disk), network=True, dtb=dtb, load=load) as dom0:
        start(dom0)
        use(dom0, disk)
        assert {kind for kind, _ in interrupts(dom0)} == {"GICv3"}
        assert "ITS at 0xb000000: firmware lists it, and nothing is there" in dom0.hypervisor_log()
        assert not re.search("WARNING|Call trace", dom0.run("dmesg"))
    dtb.unlink()
