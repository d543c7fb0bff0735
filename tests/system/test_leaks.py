# SPDX-License-Identifier: MIT
"""All of a guest's memory comes back, to the page."""

import pytest

import guests
from memory_use import check_memory, memory_use
from payloads import payload_files
from sharing import shared_machine

CYCLES = 100


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    # One CPU: nothing here is about concurrency, and emulating two takes twice as long.
    yield from shared_machine(request, hypervisor, smp=1, files=payload_files("idle"))


def settled_use(dom0, on_xen):
    """Free memory by xl info, in whole MiB, and on Argon who has what, in KiB, once nothing is being freed any more."""
    return guests.free_memory(dom0), None if on_xen else memory_use(dom0)


def check_settled_use(dom0, on_xen, before):
    free, use = settled_use(dom0, on_xen)
    assert set(guests.listed(dom0)) == {"Domain-0"}
    if on_xen:
        assert free == before[0]
    else:
        check_memory(before[1], use)


@pytest.mark.long
def test_create_and_destroy(dom0, on_xen):
    """100 times a guest that runs is made and destroyed; who has what memory is the same before and after."""
    path = guests.define(dom0, "cycle", guests.bare("cycle", "idle"))
    cycle = f"xl create -q {path} && xl destroy cycle"
    # The first one needs what dom0 keeps: ports, handles of mappings.
    dom0.run(cycle, guests.GUEST_TIMEOUT)
    before = settled_use(dom0, on_xen)
    for _ in range(CYCLES // 10):
        dom0.run(f"for i in 0 1 2 3 4 5 6 7 8 9; do {cycle} || break; done; [ $i = 9 ]", guests.GUEST_TIMEOUT)
    check_settled_use(dom0, on_xen, before)


def start_linux(dom0):
    """A guest of two vCPUs with disk and network, in use."""
    guests.start(dom0, "guest", vcpus=2, ip="10.128.0.2/16", vif=[guests.vif(2)],
                 disk=[guests.disk("/tmp/disk.img", "xvda")])
    dom0.run("ping -c 1 -W 10 10.128.0.2 >/dev/null")


def test_linux_guests_come_and_go(dom0, on_xen):
    """The same with Debian guests that have disk and network, by shutdown and by destroy."""
    dom0.run("truncate -s 4M /tmp/disk.img")
    before = None
    # What the first one needs and dom0 keeps is in the figures that the later ones are held to.
    for command in ("xl destroy guest", "xl shutdown -w guest", "xl destroy guest"):
        start_linux(dom0)
        dom0.run(command, guests.GUEST_TIMEOUT)
        guests.wait_gone(dom0, "guest")
        if before is None:
            before = settled_use(dom0, on_xen)
        check_settled_use(dom0, on_xen, before)
