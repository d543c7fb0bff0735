# SPDX-License-Identifier: MIT
"""What dom0's end does to the machine."""

import machine as machines
import pytest


def end_with(dom0, command):
    dom0.boot()
    dom0.send(command)
    dom0.send_raw("\r")


def test_poweroff(make_machine):
    with make_machine() as dom0:
        end_with(dom0, "poweroff")
        assert dom0.wait_end() == 0


def test_reboot(make_machine):
    """The machine really starts over: dom0 comes up a second time."""
    with make_machine(reboot=True) as dom0:
        end_with(dom0, "reboot")
        dom0.boot()
        assert float(dom0.run("cut -d' ' -f1 /proc/uptime")) < 60
        assert dom0.run("cat /proc/xen/capabilities") == "control_d"


def test_crash(make_machine):
    """A panic of dom0's kernel, which then restarts, restarts the machine."""
    with make_machine(dom0_args="console=hvc0 panic=1") as dom0:
        end_with(dom0, "echo c >/proc/sysrq-trigger")
        dom0.expect("Kernel panic - not syncing")
        assert dom0.wait_end() == 0


def test_reboot_key(make_machine):
    """The debug key R reboots whatever dom0 does."""
    with make_machine() as dom0:
        end_with(dom0, "xl debug-keys R")
        assert dom0.wait_end() == 0


def test_watchdog(make_machine):
    """A dom0 that no longer serves the watchdog it started is taken for crashed."""
    with make_machine() as dom0:
        dom0.boot()
        dom0.run("xenwatchdogd 20 5; sleep 1; pidof xenwatchdogd")
        dom0.send("kill -STOP $(pidof xenwatchdogd)")
        dom0.send_raw("\r")
        assert dom0.wait_end(machines.BOOT_TIMEOUT) == 0


@pytest.mark.parametrize("option, says", [("", "Reboot in 5 seconds"), (" noreboot", "the machine stays stopped")])
def test_boot_that_stops(make_machine, option, says):
    """Far from the machine, a hypervisor that cannot start ends in what the boot loader starts next."""
    with make_machine(hypervisor_args=f"console=dtuart dom0_mem=4M{option}") as machine:
        machine.expect("Argon cannot start: dom0: dom0_mem=4M is too small", machines.BOOT_TIMEOUT)
        machine.expect(says)
        if option:
            assert machine.child.isalive()
        else:
            assert machine.wait_end() == 0
