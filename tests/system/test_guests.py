# SPDX-License-Identifier: MIT
"""Guests of all sizes: CPUs, memory, disks, network cards, interrupt controllers, and several at once."""

import re

import pytest

import guests
from payloads import payload_files
from sharing import shared_machine

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    yield from shared_machine(request, hypervisor, memory=3072, files=payload_files("idle"))


@pytest.fixture(autouse=True)
def cleaned(request):
    yield
    if "dom0" in request.fixturenames:
        guests.destroy_all(request.getfixturevalue("dom0"))


def digest(dom0, path):
    return guests.digest(dom0.run(f"sha256sum <{path}"))


def test_disks(dom0):
    """Three disks: a file through loop, a block device by phy:, and one that is read-only."""
    for name, size in (("a", 8), ("b", 6), ("c", 4)):
        dom0.run(f"dd if=/dev/urandom of=/tmp/{name}.img bs=1M count={size} 2>/dev/null")
    dom0.run("losetup /dev/loop7 /tmp/b.img")
    before = {name: digest(dom0, f"/tmp/{name}.img") for name in "abc"}
    guests.start(dom0, "disks", disk=[guests.disk("/tmp/a.img", "xvda"), "phy:/dev/loop7,xvdb,w",
                                      guests.disk("/tmp/c.img", "xvdc", "ro")])
    states = [line.split()[3] for line in dom0.run("xl block-list disks").split("\n")[1:]]
    assert states == ["4", "4", "4"]
    with guests.Console(dom0, "disks") as guest:
        assert guest.run("cat /sys/block/xvd?/size").split() == [str(size * MIB // 512) for size in (8, 6, 4)]
        assert guest.run("cat /sys/block/xvd?/ro").split() == ["0", "0", "1"]
        for disk, name in zip("abc", "abc"):
            assert guests.digest(guest.run(f"sha256sum </dev/xvd{disk}")) == before[name]
        guest.run("dd if=/dev/urandom of=/new bs=64k count=48 2>/dev/null")
        guest.run("dd if=/new of=/dev/xvda bs=4k seek=256 2>/dev/null; "
                  "dd if=/new of=/dev/xvdb bs=512 count=16 2>/dev/null")
        guest.run("dd if=/new of=/dev/xvdb bs=8k skip=1 seek=1 2>/dev/null")
        guest.run("! dd if=/new of=/dev/xvdc bs=4k count=1 2>/dev/null; sync")
        new = guests.digest(guest.run("sha256sum </new"))
        guest_a = guests.digest(guest.run("sha256sum </dev/xvda"))
    dom0.run("xl shutdown -w disks", guests.GUEST_TIMEOUT)
    dom0.run("sync; timeout 120 sh -c 'while losetup /dev/loop0 2>/dev/null; do sleep 0.2; done'", guests.GUEST_TIMEOUT)
    assert digest(dom0, "/tmp/a.img") == guest_a
    assert guests.digest(dom0.run("dd if=/tmp/a.img bs=1M skip=1 count=3 2>/dev/null | sha256sum")) == new
    assert guests.digest(dom0.run("dd if=/tmp/b.img bs=1M count=3 2>/dev/null | sha256sum")) == new
    assert digest(dom0, "/tmp/c.img") == before["c"]
    dom0.run("losetup -d /dev/loop7; rm /tmp/?.img")


def test_networks(dom0):
    """Three interfaces on two bridges; data both ways over each, in frames of all sizes."""
    dom0.run("ip link add xenbr1 type bridge forward_delay 0; "
             "ip address add 10.129.0.1/16 dev xenbr1; ip link set xenbr1 up")
    guests.start(dom0, "nets", ip="10.128.0.5/16,10.129.0.5/16,10.128.0.6/16",
                 vif=[guests.vif(5), guests.vif(6, "xenbr1"), guests.vif(7)])
    lines = [line.split() for line in dom0.run("xl network-list nets").split("\n")[1:]]
    assert [(words[0], words[2], words[4]) for words in lines] == \
        [("0", "00:16:3e:00:00:05", "4"), ("1", "00:16:3e:00:00:06", "4"), ("2", "00:16:3e:00:00:07", "4")]
    dom0.run("dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null")
    wanted = digest(dom0, "/tmp/data")
    for address in ("10.128.0.5", "10.129.0.5"):
        assert " 0% packet loss" in dom0.run(f"ping -c 3 -W 5 {address}")
        for size in (0, 1, 100, 1472, 4000):
            assert " 0% packet loss" in dom0.run(f"ping -c 1 -W 5 -s {size} {address}")
        with guests.Console(dom0, "nets") as guest:
            guest.run("nc -l -p 7001 >/got & true")
        dom0.run(f"nc {address} 7001 </tmp/data")
        with guests.Console(dom0, "nets") as guest:
            got = guest.run("while pidof nc; do usleep 100000; done >/dev/null; sha256sum </got")
            assert guests.digest(got) == wanted
            guest.run("(cat /got; usleep 100000) | nc -l -p 7003 >/dev/null & true")
        # An input that stays open: at the end of it nc would stop before it has received everything.
        got = dom0.run(f"nc {address} 7003 < <(sleep 100) | head -c $((32 * 65536)) | sha256sum")
        assert guests.digest(got) == wanted
    dom0.run("ip link del xenbr1; rm /tmp/data")


@pytest.mark.parametrize("vcpus", [1, 3, 8])
def test_cpus(dom0, vcpus):
    """Every vCPU computes, takes its timer's interrupts and is sent others."""
    guests.start(dom0, f"smp{vcpus}", vcpus=vcpus)
    assert len(dom0.run(f"xl vcpu-list smp{vcpus}").split("\n")) == 1 + vcpus
    with guests.Console(dom0, f"smp{vcpus}") as guest:
        assert guest.run("nproc") == str(vcpus)
        sums = guest.run(f"for i in $(seq 0 {vcpus - 1}); do taskset $(printf %x $((1 << i))) "
                         "sh -c 'head -c 300000 /dev/zero | sha256sum' & done; wait")
        assert len(re.findall(r"\b[0-9a-f]{64}\b", sums)) == vcpus
        assert len(set(re.findall(r"\b[0-9a-f]{64}\b", sums))) == 1
        counts = guest.run("grep arch_timer /proc/interrupts").split()[1:1 + vcpus]
        assert all(int(count) > 0 for count in counts), counts
        assert not guest.run("dmesg | grep -E 'WARNING:|BUG:|Oops|Call trace' || true")


def test_smallest(dom0):
    """32 MiB and a payload that says so on its console."""
    guests.create(dom0, "tiny", text=guests.bare("tiny", "idle"))
    guests.wait_text(dom0, "tiny", "payload: idle")
    assert guests.listed(dom0)["tiny"][1:3] == (32, 1)


def test_three_at_once(dom0):
    """Three guests talk to each other, and each keeps to its memory."""
    names = ["alpha", "beta", "gamma"]
    for number, name in enumerate(names):
        guests.create(dom0, name, vcpus=2, ip=f"10.128.1.{number + 1}/16", vif=[guests.vif(256 + number)])
    for name in names:
        guests.wait_text(dom0, name, f"guest: {name} is up")
    listed = guests.listed(dom0)
    assert [listed[name][1:3] for name in names] == [(guests.LINUX_MEMORY, 2)] * 3
    with guests.Console(dom0, "alpha") as guest:
        guest.run("dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null")
        wanted = guests.digest(guest.run("sha256sum </data"))
    with guests.Console(dom0, "beta") as guest:
        guest.run("nc -l -p 7000 >/got & true")
    with guests.Console(dom0, "gamma") as guest:
        assert " 0% packet loss" in guest.run("ping -c 2 -W 5 10.128.1.1")
        assert " 0% packet loss" in guest.run("ping -c 2 -W 5 10.128.1.2")
    with guests.Console(dom0, "alpha") as guest:
        guest.run("nc 10.128.1.2 7000 </data")
    with guests.Console(dom0, "beta") as guest:
        assert guests.digest(guest.run("while pidof nc; do usleep 100000; done >/dev/null; sha256sum </got")) == wanted
    # One goes, the others stay.
    dom0.run("xl destroy beta")
    assert set(guests.listed(dom0)) == {"Domain-0", "alpha", "gamma"}
    assert " 0% packet loss" in dom0.run("ping -c 2 -W 5 10.128.1.1; ping -c 2 -W 5 10.128.1.3")


def test_interrupt_controller_of_host(dom0):
    """gic_version: v3 is there on a GICv3 host, and v2 is refused with nothing left behind."""
    guests.start(dom0, "vthree", gic_version="v3")
    assert "arm,gic-v3" in guests.run_in(dom0, "vthree", "cat /proc/device-tree/interrupt-controller*/compatible; echo")
    path = guests.define(dom0, "vtwo", guests.config("vtwo", gic_version="v2"))
    assert dom0.run_status(f"xl create -q {path}", guests.GUEST_TIMEOUT)[0] != 0
    assert set(guests.listed(dom0)) == {"Domain-0", "vthree"}


def test_version_two_guest(make_machine):
    """On a GICv2 host, by default and as asked for; v3 is refused."""
    with make_machine(gic=2) as dom0:
        dom0.boot()
        guests.start(dom0, "vtwo", vcpus=2, gic_version="v2", ip="10.128.0.9/16", vif=[guests.vif(9)])
        with guests.Console(dom0, "vtwo") as guest:
            assert re.search("arm,(gic-400|cortex-a15-gic)",
                             guest.run("cat /proc/device-tree/interrupt-controller*/compatible; echo"))
            assert guest.run("nproc") == "2"
        assert " 0% packet loss" in dom0.run("ping -c 3 -W 5 10.128.0.9")
        path = guests.define(dom0, "vthree", guests.config("vthree", gic_version="v3"))
        assert dom0.run_status(f"xl create -q {path}", guests.GUEST_TIMEOUT)[0] != 0
        assert set(guests.listed(dom0)) == {"Domain-0", "vtwo"}


@pytest.mark.long
def test_two_banks(make_machine):
    """More than 3 GiB: the second bank begins at 8 GiB, and all of it is the guest's."""
    with make_machine(memory=16384) as dom0:
        dom0.boot()
        free = guests.free_memory(dom0)
        guests.start(dom0, "big", memory=5120, vcpus=2)
        assert guests.listed(dom0)["big"][1] == 5120
        assert free - guests.free_memory(dom0) >= 5120
        with guests.Console(dom0, "big") as guest:
            total = int(re.search(r"MemTotal: *(\d+)", guest.run("cat /proc/meminfo")).group(1))
            assert total > 4900 * 1024
            regions = guest.run("grep 'System RAM' /proc/iomem")
            assert re.search(r"\b40000000-", regions)
            assert re.search(r"\b200000000-", regions)
        dom0.run("xl destroy big")
        assert guests.free_memory(dom0) == free
