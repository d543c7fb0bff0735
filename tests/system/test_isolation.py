# SPDX-License-Identifier: MIT
"""A guest that misbehaves hurts itself: another guest, dom0 and the hypervisor go on."""

import re

import pytest

import guests
from memory_use import check_memory, memory_use
from payloads import payload_files
from sharing import shared_machine


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    yield from shared_machine(request, hypervisor, files=payload_files("idle", "spin", "crash", "wild"))


@pytest.fixture(scope="module")
def bystander(dom0):
    guests.start(dom0, "bystander", ip="10.128.0.2/16", vif=[guests.vif(2)])
    # Once through what tests do, so that dom0 has the ports and handles it needs for one guest more.
    guests.start(dom0, "first")
    dom0.run("xl destroy first")
    return "bystander"


@pytest.fixture(autouse=True)
def unharmed(dom0, bystander, on_xen):
    """What every test here is about: afterwards everyone else is as before."""
    free = guests.free_memory(dom0)
    use = None if on_xen else memory_use(dom0)
    yield
    for name in set(guests.listed(dom0)) - {"Domain-0", bystander}:
        dom0.run(f"xl destroy {name}")
    assert " 0% packet loss" in dom0.run("ping -c 2 -W 10 10.128.0.2")
    assert guests.run_in(dom0, bystander, "echo $((6 * 7))") == "42"
    # In whole MiB, rounded down, some pages can make one.
    assert free - guests.free_memory(dom0) <= 1
    if not on_xen:
        check_memory(use, memory_use(dom0))
    assert not re.search(r"WARNING:|BUG:|Oops|Call trace|rcu.*stall", dom0.run("dmesg"))


def test_spin(dom0):
    """A CPU hog on every CPU, with its interrupts off: dom0 still answers, and the hog goes at once when told to."""
    for name in ("hog1", "hog2"):
        guests.create(dom0, name, text=guests.bare(name, "spin", vcpus=1))
        guests.wait_text(dom0, name, "payload: spin")
    times = re.findall(r"hog\d +\d+ +32 +1 +\S+ +([\d.]+)", dom0.run("sleep 3; xl list"))
    assert len(times) == 2 and all(float(used) > 0.5 for used in times), times
    assert " 0% packet loss" in dom0.run("ping -c 3 -W 10 10.128.0.2")
    dom0.run("xl pause hog1; xl unpause hog1; xl destroy hog1; xl destroy hog2")
    assert set(guests.listed(dom0)) == {"Domain-0", "bystander"}


def test_crash(dom0):
    """A guest that says it crashed is kept for a look or removed, as its configuration has it."""
    guests.create(dom0, "kept", text=guests.bare("kept", "crash", on_crash="preserve"))
    dom0.run("timeout 120 sh -c 'until xl list kept | grep -q sc-; do sleep 0.2; done'", guests.GUEST_TIMEOUT)
    assert guests.listed(dom0)["kept"][3] == "---sc-"
    guests.create(dom0, "gone", text=guests.bare("gone", "crash"))
    guests.wait_gone(dom0, "gone")
    assert "gone" not in guests.listed(dom0)


def test_wild(dom0):
    """Loads and stores of every size where nothing is, and hypercalls with junk: each only returns or faults."""
    guests.create(dom0, "wild", text=guests.bare("wild", "wild"))
    guests.wait_text(dom0, "wild", "payload: wild is through")
    assert "c" not in guests.listed(dom0)["wild"][3]


def test_kernel_panic(dom0):
    """A guest's kernel that panics and restarts itself is started anew by xl."""
    guests.start(dom0, "panics", extra="console=hvc0 guest.name=panics panic=1")
    before = guests.listed(dom0)["panics"][0]
    # Not by xl sysrq, which Debian's kernel does not let crash it.
    with guests.Console(dom0, "panics") as guest:
        guest.run_last("echo c >/proc/sysrq-trigger")
    guests.wait_text(dom0, "panics", "guest: panics is up", times=2)
    assert guests.listed(dom0)["panics"][0] > before


def test_kernel_that_is_none(dom0):
    """xl refuses a kernel that is not one, and what it had begun is undone."""
    dom0.run("head -c 100000 /dev/urandom >/tmp/junk")
    path = guests.define(dom0, "junk", guests.config("junk", kernel="/tmp/junk", ramdisk=None, memory=32))
    assert dom0.run_status(f"xl create -q {path}")[0] != 0
    assert "junk" not in guests.listed(dom0)


def test_more_memory_than_there_is(dom0):
    path = guests.define(dom0, "huge", guests.bare("huge", "idle", memory=65536))
    assert dom0.run_status(f"xl create -q {path}")[0] != 0
    assert "huge" not in guests.listed(dom0)
