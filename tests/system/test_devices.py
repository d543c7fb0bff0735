# SPDX-License-Identifier: MIT
"""dom0's own disks and network cards by virtio, over MMIO and PCI, and guests that use them through dom0."""

import hashlib
import os
import random

import pytest

import guests
import machine as machines
from sharing import shared_machine

SIZE = 8 << 20
WORK = machines.BUILD / "tests" / "system"


def random_file(name, seed, size=SIZE):
    path = WORK / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def disks():
    made = {"mmio": random_file("mmio.img", 1), "pci": random_file("pci.img", 2),
            "served": random_file("served.bin", 3, 2 << 20)}
    yield made
    for path in made.values():
        path.unlink()


@pytest.fixture(scope="module")
def dom0(request, hypervisor, disks):
    extra = []
    for bus, device in (("mmio", "virtio-blk-device"), ("pci", "virtio-blk-pci,disable-legacy=on")):
        extra += ["-drive", f"if=none,id={bus},format=raw,file={disks[bus]}",
                  "-device", f"{device},drive={bus},serial={bus}"]
    extra += ["-netdev", f"user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:7000-cmd:cat {disks['served']}",
              "-device", "virtio-net-device,netdev=n0,mac=52:54:00:00:00:10",
              "-netdev", "user,id=n1,restrict=on,net=10.0.3.0/24",
              "-device", "virtio-net-pci,netdev=n1,romfile=,disable-legacy=on,mac=52:54:00:00:00:11"]
    yield from shared_machine(request, hypervisor, extra=extra, network=True)


@pytest.fixture(scope="module")
def disk_names(dom0):
    """The kernel's name for each disk, found by its serial number."""
    out = dom0.run("for d in /sys/block/vd*; do echo $(cat $d/serial) ${d##*/}; done")
    return dict(line.split() for line in out.split("\n"))


def interface(dom0, mac):
    return dom0.run(f"grep -l {mac} /sys/class/net/e*/address").split("/")[-2]


@pytest.mark.parametrize("bus", ["mmio", "pci"])
def test_disk_reads(dom0, disks, disk_names, bus):
    assert guests.digest(dom0.run(f"sha256sum </dev/{disk_names[bus]}")) == sha256(disks[bus])


@pytest.mark.parametrize("bus", ["mmio", "pci"])
def test_disk_writes(dom0, disks, disk_names, bus):
    """What dom0 writes, by pages and by single sectors, is what the host finds."""
    name = disk_names[bus]
    dom0.run("dd if=/dev/urandom of=/tmp/new bs=1M count=4 2>/dev/null; "
             f"dd if=/tmp/new of=/dev/{name} bs=64k seek=16 2>/dev/null")
    dom0.run(f"dd if=/tmp/new of=/dev/{name} bs=512 count=33 oflag=direct seek=3 2>/dev/null; sync")
    assert guests.digest(dom0.run(f"sha256sum </dev/{name}")) == sha256(disks[bus])
    new = guests.digest(dom0.run("sha256sum </tmp/new"))
    with open(disks[bus], "rb") as file:
        file.seek(1 << 20)
        assert hashlib.sha256(file.read(4 << 20)).hexdigest() == new


@pytest.mark.parametrize("mac,address,peer", [("52:54:00:00:00:10", "10.0.2.15/24", "10.0.2.2"),
                                              ("52:54:00:00:00:11", "10.0.3.15/24", "10.0.3.2")], ids=["mmio", "pci"])
def test_network(dom0, mac, address, peer):
    name = interface(dom0, mac)
    dom0.run(f"ip link set {name} up; ip address add {address} dev {name}")
    assert " 0% packet loss" in dom0.run(f"ping -c 3 -W 5 {peer}")
    assert " 0% packet loss" in dom0.run(f"ping -c 3 -W 5 -s 1400 {peer}")


def test_network_data(dom0, disks):
    received = guests.digest(dom0.run("nc 10.0.2.100 7000 </dev/null | sha256sum"))
    assert received == sha256(disks["served"])


def test_guest_on_host_disks_and_network(dom0, disks, disk_names):
    """A guest's pages are the targets of the devices' DMA: phy: on both disks, bridged to a card."""
    name = interface(dom0, "52:54:00:00:00:10")
    dom0.run(f"ip address flush dev {name}; ip link set {name} master xenbr0")
    guests.start(dom0, "io", ip="10.0.2.16/24", vif=[guests.vif(7)],
                 disk=[f"phy:/dev/{disk_names['mmio']},xvda,w", f"phy:/dev/{disk_names['pci']},xvdb,w"])
    with guests.Console(dom0, "io") as guest:
        assert guests.digest(guest.run("sha256sum </dev/xvda")) == sha256(disks["mmio"])
        assert guests.digest(guest.run("sha256sum </dev/xvdb")) == sha256(disks["pci"])
        guest.run("dd if=/dev/urandom of=/new bs=1M count=4 && dd if=/new of=/dev/xvda bs=64k && "
                  "dd if=/new of=/dev/xvdb bs=4k; sync")
        new = guests.digest(guest.run("sha256sum </new"))
        assert " 0% packet loss" in guest.run("ping -c 3 -W 5 10.0.2.2")
        assert guests.digest(guest.run("nc 10.0.2.100 7000 </dev/null | sha256sum")) == sha256(disks["served"])
    dom0.run("xl destroy io; sync")
    for bus in ("mmio", "pci"):
        with open(disks[bus], "rb") as file:
            assert hashlib.sha256(file.read(4 << 20)).hexdigest() == new, bus
    assert os.path.getsize(disks["mmio"]) == SIZE
