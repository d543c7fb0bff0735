# SPDX-License-Identifier: MIT
"""All of a guest's memory comes back."""

import re

import pytest

import guests
from payloads import payload_files
from sharing import shared_machine

CYCLES = 100


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    # One CPU: nothing here is about concurrency, and emulating two takes twice as long.
    yield from shared_machine(request, hypervisor, smp=1, files=payload_files("idle"))


def heap(dom0):
    """Free memory in KiB, the largest amount that debug key m shows: the total. xl info counts in MiB."""
    dom0.run("xl dmesg -c >/dev/null; xl debug-keys m")
    amounts = re.findall(r"(\d+) ?[kK](?:i?B)? free", dom0.hypervisor_log())
    return max(map(int, amounts))


@pytest.mark.long
def test_create_and_destroy(dom0):
    """100 times a guest that runs is made and destroyed; free memory is the same before and after."""
    path = guests.define(dom0, "cycle", guests.bare("cycle", "idle"))
    cycle = f"xl create -q {path} && xl destroy cycle"
    # The first ones fill caches: of the hypervisor's allocators and of dom0's kernel.
    dom0.run(f"{cycle} && {cycle} && {cycle}", guests.GUEST_TIMEOUT)
    before, before_heap = guests.free_memory(dom0), heap(dom0)
    for _ in range(CYCLES // 10):
        dom0.run(f"for i in 0 1 2 3 4 5 6 7 8 9; do {cycle} || break; done; [ $i = 9 ]", guests.GUEST_TIMEOUT)
    assert set(guests.listed(dom0)) == {"Domain-0"}
    assert guests.free_memory(dom0) == before
    # A page a cycle would be 400 KiB. Some pages one way or the other are caches of the hypervisor's.
    assert abs(heap(dom0) - before_heap) < CYCLES * 4 // 2


def test_linux_guests_come_and_go(dom0):
    """The same with Debian guests that have disk and network, by shutdown and by destroy."""
    dom0.run("truncate -s 4M /tmp/disk.img")
    before = guests.free_memory(dom0)
    for number in range(2):
        guests.start(dom0, "guest", vcpus=2, ip="10.128.0.2/16", vif=[guests.vif(2)], disk=[guests.disk("/tmp/disk.img", "xvda")])
        dom0.run("ping -c 1 -W 10 10.128.0.2 >/dev/null")
        dom0.run("xl destroy guest" if number else "xl shutdown -w guest", guests.GUEST_TIMEOUT)
        guests.wait_gone(dom0, "guest")
        assert guests.free_memory(dom0) == before
