# SPDX-License-Identifier: MIT
"""A Debian machine from plain Linux to Argon and back: the package, GRUB's menu, dom0, a guest."""

import re

import pytest

import installed

MACHINES = [(3, "off"), (3, "on"), (2, "off"), (2, "on")]
LINUX = r"^Debian GNU/Linux$"
HYPERVISOR = r"^Debian GNU/Linux, with Xen hypervisor$"
ADVANCED = r"^Advanced options for Debian GNU/Linux \(with Xen hypervisor\)"

# Of GRUB's menu, but for the entry of the firmware's own settings: the disk was made in a machine without UEFI.
MENU_SUM = "sed '/BEGIN .*30_uefi-firmware/,/END .*30_uefi-firmware/d' /boot/grub/grub.cfg | sha256sum"

GUEST = """\
name = "guest"
kernel = "/vmlinuz"
ramdisk = "/initrd.img"
extra = "console=hvc0 root=/dev/xvda ro"
memory = 192
vcpus = 2
disk = ["phy:/dev/vda3,xvda,w"]
on_crash = "destroy"
"""


def start_guest(machine):
    """From the disk's third partition, with the installed kernel and initramfs; and off again."""
    machine.write_file("/root/guest.cfg", GUEST)
    machine.run("xl create /root/guest.cfg", installed.BOOT_TIMEOUT)
    # Its second CPU is listed once it runs.
    machine.run("until xl list guest | grep -Eq '^guest +[0-9]+ +192 +2 '; do sleep 1; done", installed.BOOT_TIMEOUT)
    machine.send_raw("xl console guest\r")
    machine.expect_text("=guest up: xen 2 CPUs=", installed.BOOT_TIMEOUT)
    machine.send_raw("off\r")
    machine.expect_text(installed.machines.PROMPT, installed.BOOT_TIMEOUT)
    machine.run("while xl list guest >/dev/null 2>&1; do sleep 1; done", installed.BOOT_TIMEOUT)


def check_hypervisor(machine, package):
    assert machine.run("cat /sys/hypervisor/type").strip() == "xen"
    assert re.search(package.info, machine.run("xl info")), machine.run("xl info")
    assert re.search(r"^Domain-0 +0 +1024 +2 ", machine.run("xl list"), re.M)


def failed_on_peer(make_machine, **fields):
    """The units that fail on Debian's Xen, on such a machine and the same disk."""
    with make_machine("-peer", **fields) as machine:
        machine.menu(LINUX)
        machine.login()
        machine.install(installed.PEER)
        machine.reboot()
        machine.menu(HYPERVISOR)
        machine.login()
        check_hypervisor(machine, installed.PEER)
        return machine.failed_units()


@pytest.mark.parametrize("gic,acpi", MACHINES, ids=[f"gic{gic}-acpi-{acpi}" for gic, acpi in MACHINES])
def test_install_and_back(make_machine, package, gic, acpi):
    itself = package is installed.PEER
    if acpi == "on" and itself:
        pytest.skip("Debian's Xen does not boot with ACPI")
    allowed = None
    if acpi == "off" and not itself:
        # Before the machine of this test: one QEMU at a time.
        allowed = failed_on_peer(make_machine, gic=gic, machine="acpi=off")
    with make_machine(gic=gic, machine=f"acpi={acpi}", package=package) as machine:
        machine.menu(LINUX)
        machine.login()
        plain = machine.failed_units()
        before = machine.run(MENU_SUM)
        machine.install(package)
        machine.run(f"grep 'xen_hypervisor.*/boot/xen-{package.version} ' /boot/grub/grub.cfg")
        machine.reboot()

        machine.menu(HYPERVISOR)
        machine.login()
        check_hypervisor(machine, package)
        assert machine.failed_units() <= (plain if allowed is None else allowed)
        start_guest(machine)
        machine.reboot()

        machine.menu(LINUX)
        machine.login()
        assert machine.run("cat /sys/hypervisor/type 2>/dev/null || echo none").strip() == "none"
        assert machine.failed_units() == plain
        machine.run(f"dpkg --purge {package.name}", installed.BOOT_TIMEOUT)
        assert machine.run("ls /boot/xen* 2>/dev/null || true").strip() == ""
        assert machine.run("grep -c xen_hypervisor /boot/grub/grub.cfg || true").strip() == "0"
        # Debian's Xen leaves its choice of the default there until the next update-grub.
        if not itself:
            assert machine.run(MENU_SUM) == before


def test_beside_debian_xen(make_machine, package):
    """Both are installed, and GRUB's submenu starts either."""
    if package is installed.PEER:
        pytest.skip("needs two hypervisors")
    with make_machine(machine="acpi=off", package=package) as machine:
        machine.menu(LINUX)
        machine.login()
        machine.install(installed.PEER)
        machine.install(package)
        for one in (installed.PEER, package):
            machine.reboot()
            machine.menu(ADVANCED, rf"^Xen hypervisor, version {re.escape(one.version)}$", r"^Debian.*with Xen")
            machine.login()
            check_hypervisor(machine, one)


@pytest.mark.parametrize("acpi", ["off", "on"])
def test_efi_entry(make_machine, package, acpi):
    """Without GRUB: argon-efi-boot's entry, once; GRUB is what starts after that."""
    if package is installed.PEER:
        pytest.skip("Debian's Xen has no such tool")
    with make_machine(machine=f"acpi={acpi}", package=package) as machine:
        machine.menu(LINUX)
        machine.login()
        machine.install(package)
        out = machine.run("argon-efi-boot install --next", installed.BOOT_TIMEOUT)
        assert "made the boot entry Boot" in out and "the next boot, and that one alone" in out
        machine.reboot()

        machine.login()
        check_hypervisor(machine, package)
        # By way of the hypervisor's runtime services.
        assert "\\EFI\\argon\\argon.efi" in machine.run("efibootmgr -v").replace("/", "\\")
        assert "is not what" not in machine.run("argon-efi-boot status", installed.BOOT_TIMEOUT)
        machine.reboot()

        machine.menu(LINUX)
        machine.login()
        assert "removed the boot entry" in machine.run("argon-efi-boot remove", installed.BOOT_TIMEOUT)
        assert "argon" not in machine.run("efibootmgr -v; ls /boot/efi/EFI").lower()
