# SPDX-License-Identifier: MIT
"""xl's commands on a Debian guest, in the order an administrator's day has them."""

import re
import time

import pytest

import guests
from sharing import shared_machine


@pytest.fixture(scope="module")
def dom0(request, hypervisor):
    yield from shared_machine(request, hypervisor, memory=2048)


@pytest.fixture(scope="module")
def guest(dom0):
    """A guest with a disk and a network interface; tests leave it running under the name one."""
    dom0.run("dd if=/dev/urandom of=/tmp/one.img bs=1M count=8 2>/dev/null")
    guests.start(dom0, "one", vcpus=2, ip="10.128.0.2/16", vif=[guests.vif(2)],
                 disk=[guests.disk("/tmp/one.img", "xvda")])
    return "one"


def test_info_and_list_without_guests(dom0):
    assert set(guests.listed(dom0)) == {"Domain-0"}
    domid, memory, vcpus, state = guests.listed(dom0)["Domain-0"]
    assert (domid, memory, vcpus) == (0, 768, 2)
    assert re.fullmatch(r"[r-][b-]----", state)


def test_create_and_list(dom0, guest):
    domid, memory, vcpus, state = guests.listed(dom0)[guest]
    assert (domid, memory, vcpus) == (1, guests.LINUX_MEMORY, 2)
    assert re.fullmatch(r"[r-][b-]----", state)
    said = dom0.run(f"cat {guests.console_log(guest)}")
    assert "Run /init as init process" in said
    assert not re.search(r"WARNING:|BUG:|Oops|Call trace", said)
    assert "guest: one is up" in said and "with 2 CPUs" in said


def test_create_refuses_taken_name(dom0, guest):
    status, output = dom0.run_status("xl create -q /tmp/one.cfg")
    assert status != 0
    assert "already exists" in output
    assert set(guests.listed(dom0)) == {"Domain-0", "one"}


def test_console(dom0, guest):
    with guests.Console(dom0, guest) as shell:
        assert shell.run("nproc") == "2"
        assert shell.run("cat /sys/hypervisor/type") == "xen"
        assert shell.run("cat /sys/hypervisor/version/major /sys/hypervisor/version/minor").split() == ["4", "17"]
        line = "the quick brown fox, 0123456789 \\!@#%^&*()[]{}<>?/|~"
        assert shell.run(f"echo '{line}'") == line


def test_domid_and_domname(dom0, guest):
    assert dom0.run("xl domid one") == "1"
    assert dom0.run("xl domname 1") == "one"
    assert dom0.run_status("xl domid nonesuch")[0] != 0


def test_rename(dom0, guest):
    dom0.run("xl rename one uno")
    assert set(guests.listed(dom0)) == {"Domain-0", "uno"}
    assert dom0.run("xl domid uno") == "1"
    dom0.run("xl rename uno one")
    assert set(guests.listed(dom0)) == {"Domain-0", "one"}


def test_uptime(dom0, guest):
    def seconds():
        found = re.search(r"one +1 +(\d+):(\d+):(\d+)", dom0.run("xl uptime one"))
        hours, minutes, rest = map(int, found.groups())
        return hours * 3600 + minutes * 60 + rest

    before = seconds()
    dom0.run("sleep 3")
    assert 3 <= seconds() - before <= 8


def test_vcpu_list_and_pin(dom0, guest):
    def vcpus():
        lines = [line.split() for line in dom0.run("xl vcpu-list one").split("\n")[1:]]
        return [(words[2], words[3], " ".join(words[6:])) for words in lines]

    assert [number for number, _, _ in vcpus()] == ["0", "1"]
    assert [affinity for _, _, affinity in vcpus()] == ["all / all", "all / all"]
    dom0.run("xl vcpu-pin one 0 1")
    dom0.run("xl vcpu-pin one 1 0 all")
    time.sleep(0.5)
    assert [affinity for _, _, affinity in vcpus()] == ["1 / all", "0 / all"]
    # Kept busy, each is where it was pinned to.
    with guests.Console(dom0, guest) as shell:
        shell.run("for i in 0 1; do taskset $((1 << i)) timeout 20 sh -c 'while :; do :; done' & done; sleep 1")
    assert [cpu for _, cpu, _ in vcpus()] == ["1", "0"]
    assert dom0.run_status("xl vcpu-pin one 0 7")[0] != 0
    dom0.run("xl vcpu-pin one all all all")
    assert [affinity for _, _, affinity in vcpus()] == ["all / all", "all / all"]
    with guests.Console(dom0, guest) as shell:
        shell.run("killall timeout sh; wait; true")


def test_pause_and_unpause(dom0, guest):
    guests_ping = "ping -c 1 -W 2 10.128.0.2 >/dev/null"
    dom0.run(guests_ping)
    dom0.run("xl pause one")
    assert guests.listed(dom0)["one"][3][2] == "p"
    before = dom0.run("xl list one").split()[-1]
    assert dom0.run_status(guests_ping)[0] != 0
    assert dom0.run("xl list one").split()[-1] == before, "a paused guest used time"
    dom0.run("xl unpause one")
    assert guests.listed(dom0)["one"][3][2] == "-"
    dom0.run(guests_ping)


def test_block_list(dom0, guest):
    lines = [line.split() for line in dom0.run("xl block-list one").split("\n")[1:]]
    assert [(words[0], words[1], words[3]) for words in lines] == [("51712", "0", "4")]


def test_network_list(dom0, guest):
    lines = [line.split() for line in dom0.run("xl network-list one").split("\n")[1:]]
    assert [(words[0], words[1], words[2], words[4]) for words in lines] == [("0", "0", "00:16:3e:00:00:02", "4")]


def test_block_attach_and_detach(dom0, guest):
    dom0.run("dd if=/dev/urandom of=/tmp/two.img bs=1M count=4 2>/dev/null")
    digest = guests.digest(dom0.run("sha256sum </tmp/two.img"))
    dom0.run("xl block-attach one format=raw,vdev=xvdb,access=ro,target=/tmp/two.img")
    seen = guests.run_in(dom0, "one", "until [ -b /dev/xvdb ]; do usleep 100000; done; sha256sum </dev/xvdb")
    assert seen.split()[0] == digest
    dom0.run("xl block-detach one xvdb")
    lines = dom0.run("xl block-list one").split("\n")[1:]
    assert [line.split()[0] for line in lines] == ["51712"]


def test_network_attach_and_detach(dom0, guest):
    dom0.run("xl network-attach one mac=00:16:3e:00:00:99 bridge=xenbr0")
    assert guests.run_in(dom0, "one", "until [ -e /sys/class/net/eth1 ]; do usleep 100000; done; "
                         "cat /sys/class/net/eth1/address") == "00:16:3e:00:00:99"
    dom0.run("xl network-detach one 1")
    lines = dom0.run("xl network-list one").split("\n")[1:]
    assert [line.split()[0] for line in lines] == ["0"]


def test_top(dom0, guest):
    shown = dom0.run("xentop -b -i 2 -d 1")
    rows = [line.split() for line in shown.split("\n") if re.match(r" +(Domain-0|one) ", line)]
    assert sorted(words[0] for words in rows) == ["Domain-0", "Domain-0", "one", "one"]
    for words in rows:
        if words[0] == "one":
            # Its memory, and a few pages for console, store and grants.
            assert 0 <= int(words[4]) - guests.LINUX_MEMORY * 1024 <= 64


def test_top_on_the_screen(dom0, guest):
    dom0.send("xl top")
    dom0.send_raw("\r")
    dom0.expect(r"xentop - \d+:\d+:\d+")
    dom0.expect("2 domains: 1 running, 1 blocked, 0 paused|2 domains: 2 running, 0 blocked, 0 paused")
    dom0.expect("Domain-0")
    dom0.send_raw("q")
    dom0.expect_text("dom0# ")


def test_config_update(dom0, guest):
    assert dom0.run_status("xl config-update one /tmp/one.cfg 'on_crash=\"preserve\"'")[0] == 0
    assert dom0.run_status("xl config-update nonesuch /tmp/one.cfg")[0] != 0
    assert guests.listed(dom0)["one"][0] == 1


def test_scheduler_parameters(dom0, guest):
    assert re.search(r"one +1 +256 ", dom0.run("xl sched-credit2 -d one"))
    dom0.run("xl sched-credit2 -d one -w 512")
    assert re.search(r"one +1 +512 ", dom0.run("xl sched-credit2 -d one"))


def test_vcpu_set(dom0, guest):
    dom0.run("xl vcpu-set one 1")
    assert guests.run_in(dom0, "one", "until [ $(nproc) = 1 ]; do usleep 100000; done; nproc") == "1"
    dom0.run("xl vcpu-set one 2")
    assert guests.run_in(dom0, "one", "until [ $(cat /sys/devices/system/cpu/present) = 0-1 ]; do usleep 100000; done; "
                         "echo 1 >/sys/devices/system/cpu/cpu1/online; until [ $(nproc) = 2 ]; do usleep 100000; done; "
                         "nproc").endswith("2")


def test_reboot(dom0, guest):
    dom0.run("xl reboot one")
    guests.wait_text(dom0, "one", "guest: one is up", times=2)
    domid, memory, vcpus, _ = guests.listed(dom0)["one"]
    assert domid > 1
    assert (memory, vcpus) == (guests.LINUX_MEMORY, 2)
    dom0.run("ping -c 1 -W 5 10.128.0.2 >/dev/null")


def test_shutdown(dom0, guest):
    domid = guests.listed(dom0)["one"][0]
    dom0.run("xl shutdown -w one", timeout=guests.GUEST_TIMEOUT)
    guests.wait_gone(dom0, "one")
    assert set(guests.listed(dom0)) == {"Domain-0"}
    # Nothing of it is left in the store or among the backends.
    assert dom0.run_status("xenstore-ls /local/domain/0/backend/vbd/" + f"{domid} 2>/dev/null")[0] != 0
    assert f"vif{domid}.0" not in dom0.run("ls /sys/class/net")


def test_create_paused(dom0):
    guests.create(dom0, "two", "-p")
    domid, memory, vcpus, state = guests.listed(dom0)["two"]
    assert (memory, vcpus, state) == (guests.LINUX_MEMORY, 1, "--p---")
    used = dom0.run("xl list two").split()[-1]
    assert used == "0.0"
    dom0.run("xl unpause two")
    guests.wait_text(dom0, "two", "guest: two is up")


def test_destroy(dom0):
    assert "two" in guests.listed(dom0)
    dom0.run("xl destroy two")
    assert set(guests.listed(dom0)) == {"Domain-0"}


def test_create_with_console(dom0):
    """xl create -c shows the guest from its first line, and ctrl-] comes back."""
    guests.define(dom0, "three", guests.config("three"))
    dom0.send("xl create -q -c /tmp/three.cfg")
    dom0.send_raw("\r")
    dom0.expect_text("Booting Linux on physical CPU", guests.GUEST_TIMEOUT)
    dom0.expect_text("guest: three is up", guests.GUEST_TIMEOUT)
    dom0.expect_text("three# ")
    dom0.send_raw("\x1d")
    dom0.expect_text("dom0# ")
    assert "three" in guests.listed(dom0)


def test_poweroff_from_within(dom0):
    with guests.Console(dom0, "three") as guest:
        guest.run_last("poweroff")
    guests.wait_gone(dom0, "three")
    assert set(guests.listed(dom0)) == {"Domain-0"}


def test_xenstore(dom0):
    """The store, by Debian's own test: it sends and binds event channels of dom0 with itself."""
    dom0.run("xenstore-write /tool/argon-test 'some value'")
    assert dom0.run("xenstore-read /tool/argon-test") == "some value"
    dom0.run("xenstore-rm /tool/argon-test")
    assert dom0.run_status("xenstore-read /tool/argon-test 2>/dev/null")[0] != 0
