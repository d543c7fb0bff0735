# SPDX-License-Identifier: MIT
"""Argon as an EFI application under Debian's UEFI: configuration file, GRUB, Secure Boot, and what is missing."""

import re
import subprocess

import pytest

import guests
import machine as machines
from uefi import CONFIG

SNAKEOIL = "/usr/share/qemu-efi-aarch64/PkKek-1-snakeoil"
# Of the entry that Debian's 20_linux_xen writes, with its options in their places.
GRUB_MENU = """\
set timeout=0
menuentry 'Debian GNU/Linux, with Xen argon and Linux' --class debian {
    insmod part_msdos
    insmod fat
    echo 'Loading Xen argon ...'
    if [ "$grub_platform" = "pc" -o "$grub_platform" = "" ]; then
        xen_rm_opts=
    else
        xen_rm_opts="no-real-mode edd=off"
    fi
    xen_hypervisor /boot/xen-argon placeholder dom0_mem=768M console=dtuart loglvl=all ${xen_rm_opts}
    echo 'Loading Linux ...'
    xen_module /boot/vmlinuz placeholder root=/dev/ram0 ro console=hvc0 quiet
    echo 'Loading initial ramdisk ...'
    xen_module --nounzip /boot/initrd
}
"""


@pytest.mark.parametrize("gic", [3, 2])
def test_configuration_file(make_machine, uefi_disk, gic):
    """From firmware to dom0 and a guest, all CPUs, by the file beside the program."""
    uefi_disk.application()
    uefi_disk.boot_files()
    with make_machine(uefi=uefi_disk.folder, gic=gic, memory=3072) as dom0:
        dom0.boot()
        assert dom0.run("nproc") == "2"
        assert dom0.run("cat /proc/cmdline") == "console=hvc0 quiet"
        assert "console=dtuart dom0_mem=768M" in dom0.run("xl info xen_commandline")
        # All but what firmware keeps, dom0 and Argon is there for guests.
        assert guests.free_memory(dom0) > 2100
        guests.start(dom0, "guest")
        assert set(guests.listed(dom0)) == {"Domain-0", "guest"}


@pytest.mark.parametrize("grub", ["grub.efi", "grub-trixie.efi"])
def test_grub(make_machine, uefi_disk, grub):
    """GRUB 2.06 and 2.12 with the entry of 20_linux_xen."""
    uefi_disk.add("EFI/BOOT/BOOTAA64.EFI", machines.IMAGES / grub)
    uefi_disk.copy("boot/xen-argon", uefi_disk.hypervisor)
    uefi_disk.boot_files("boot")
    uefi_disk.text("boot/grub/grub.cfg", GRUB_MENU)
    with make_machine(uefi=uefi_disk.folder, memory=3072) as dom0:
        dom0.boot()
        assert dom0.run("cat /proc/cmdline") == "placeholder root=/dev/ram0 ro console=hvc0 quiet"
        log = dom0.hypervisor_log()
        assert "command line: placeholder dom0_mem=768M console=dtuart loglvl=all no-real-mode edd=off" in log
        assert "option" not in log.lower().replace("command line", "")


def test_grub_without_a_kernel(make_machine, uefi_disk):
    """An entry that lacks xen_module: said, and GRUB goes on."""
    uefi_disk.add("EFI/BOOT/BOOTAA64.EFI", machines.IMAGES / "grub.efi")
    uefi_disk.copy("boot/xen-argon", uefi_disk.hypervisor)
    uefi_disk.text("boot/grub/grub.cfg", re.sub(r"    xen_module .*\n", "", GRUB_MENU))
    with make_machine(uefi=uefi_disk.folder) as firmware:
        firmware.expect_text("Argon: started by a boot loader that passed no kernel", machines.BOOT_TIMEOUT)
        firmware.expect_text("Failed to boot both default and fallback entries", machines.BOOT_TIMEOUT)


def test_secure_boot(make_machine, uefi_disk):
    """Signed with a key that firmware trusts it is started; changed after that it is not."""
    folder = uefi_disk.path("keys/key").parent
    subprocess.run(["openssl", "rsa", "-in", f"{SNAKEOIL}.key", "-passin", "pass:snakeoil", "-out", folder / "key"],
                   check=True, capture_output=True)
    signed = uefi_disk.path("EFI/BOOT/BOOTAA64.EFI")
    subprocess.run(["sbsign", "--key", folder / "key", "--cert", f"{SNAKEOIL}.pem", "--output", signed,
                    uefi_disk.hypervisor], check=True, capture_output=True)
    subprocess.run(["sbverify", "--cert", f"{SNAKEOIL}.pem", signed], check=True, capture_output=True)
    uefi_disk.text("EFI/BOOT/BOOTAA64.cfg", CONFIG)
    uefi_disk.boot_files()
    with make_machine(uefi=uefi_disk.folder, uefi_keys="snakeoil", memory=3072) as dom0:
        dom0.boot()
    image = bytearray(signed.read_bytes())
    at = image.index(b"Argon hypervisor, Xen ABI")
    image[at:at + 5] = b"Other"
    signed.write_bytes(image)
    with make_machine("-changed", uefi=uefi_disk.folder, uefi_keys="snakeoil") as refused:
        refused.expect("Access Denied", machines.BOOT_TIMEOUT)


def said(machine, what):
    """Argon's line on firmware's console, and firmware goes on."""
    machine.expect(rf"Argon: {what}\s*\r\n", machines.BOOT_TIMEOUT)
    machine.expect("BdsDxe: (failed to start|loading|starting)", machines.BOOT_TIMEOUT)


@pytest.mark.parametrize("config, what", [
    (None, "BOOTAA64.EFI: no configuration file of that name with .cfg, nor of a shorter one, beside it"),
    (CONFIG, "kernel=: vmlinuz: no such file"),
    (CONFIG.replace("default=debian", "default=devuan"), r"BOOTAA64.cfg: no section \[devuan\]"),
    (CONFIG.replace("ramdisk=initrd", "ramdisk initrd"),
     r"BOOTAA64.cfg, line 12: neither \[SECTION\] nor KEY=VALUE"),
], ids=["file", "kernel", "section", "line"])
def test_what_is_missing(make_machine, uefi_disk, config, what):
    uefi_disk.application(config)
    with make_machine(uefi=uefi_disk.folder) as firmware:
        said(firmware, what)


def test_no_hypervisor_mode(make_machine, uefi_disk):
    uefi_disk.application()
    with make_machine(uefi=uefi_disk.folder, el2=False) as firmware:
        said(firmware, r"firmware runs at EL1, and a hypervisor needs EL2 \(in QEMU: virtualization=on\)")


def test_shell(make_machine, uefi_disk):
    """From UEFI's shell: -cfg=, a section, and options behind --."""
    uefi_disk.copy("argon/argon-1.0-arm64.efi", uefi_disk.hypervisor)
    uefi_disk.text("argon/other.cfg", CONFIG.replace("default=debian", "default=other"))
    uefi_disk.boot_files("argon")
    uefi_disk.text("startup.nsh", "fs0:\\argon\\argon-1.0-arm64.efi -basevideo\r\n"
                             "fs0:\\argon\\argon-1.0-arm64.efi -cfg=other.cfg\r\n"
                             "fs0:\\argon\\argon-1.0-arm64.efi -cfg=other.cfg debian -- maxcpus=1 loglvl=all\r\n")
    with make_machine(uefi=uefi_disk.folder, memory=3072) as dom0:
        dom0.expect_text("Argon: argon-1.0-arm64.efi: no configuration file of that name", machines.BOOT_TIMEOUT)
        dom0.expect_text("Argon: kernel=: nothing-here: no such file")
        dom0.boot()
        assert dom0.run("xl info xen_commandline").split(":")[-1].strip() == \
            "console=dtuart dom0_mem=768M maxcpus=1 loglvl=all"
        assert re.search(r"nr_cpus *: 1\b", dom0.run("xl info"))
