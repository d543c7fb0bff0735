# SPDX-License-Identifier: MIT
"""UEFI's runtime services in dom0: the clock, variables and the way back into firmware, under edk2."""

import pathlib
import re
import shutil
import tarfile
import time

import pytest

import machine as machines

FIRMWARE = pathlib.Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
CONFIG = "[global]\ndefault=argon\n\n[argon]\noptions={}\nkernel=vmlinuz {}\nramdisk=initrd\n"
# Firmware, and then the kernel's decompression and start, all emulated.
BOOT_TIMEOUT = 300
DISK = ["-device", "virtio-blk-pci,drive=esp,bootindex=1"]
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
# Linux lets root remove variables of this vendor; those that it does not know are immutable.
OWN = "dump-argon-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0"
OWN_BYTES = "07000000" + "68692075656669"         # attributes NV, BS, RT, then "hi uefi"


def efivarfs_module():
    """dom0's driver of the file system of variables: a module that its initramfs does not have."""
    with tarfile.open(machines.IMAGES / "debian-root.tar") as tar:
        name = next(n for n in tar.getnames() if n.endswith("/efivarfs.ko"))
        return tar.extractfile(name).read()


@pytest.fixture
def boot_uefi(request, make_machine, hypervisor):
    """A function that makes a machine which firmware starts from a disk, with or without ACPI's tables."""
    folder = machines.BUILD / "tests" / "system" / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "EFI" / "BOOT"
    files.mkdir(parents=True)

    def make(acpi, **fields):
        made = make_machine(firmware=FIRMWARE, machine=f"acpi={acpi}", memory=3072,
                            files={"/efivarfs.ko": efivarfs_module()},
                            extra=["-drive", f"file=fat:rw:{folder},format=raw,if=none,id=esp", *DISK], **fields)
        shutil.copy(hypervisor, files / "BOOTAA64.EFI")
        shutil.copy(machines.IMAGES / "vmlinuz", files / "vmlinuz")
        shutil.copy(made.initrd, files / "initrd")
        (files / "BOOTAA64.cfg").write_text(CONFIG.format(made.options.hypervisor_args, made.options.dom0_args))
        return made

    yield make
    shutil.rmtree(folder)


def check_clock(dom0):
    """The RTC is UEFI's, runs, and says what the host says."""
    assert dom0.run("cat /sys/class/rtc/rtc0/name").strip().startswith("rtc-efi")
    first = int(dom0.run("cat /sys/class/rtc/rtc0/since_epoch"))
    assert abs(first - time.time()) < 120, first
    dom0.run("sleep 2")
    assert int(dom0.run("cat /sys/class/rtc/rtc0/since_epoch")) >= first + 1


def check_variables(dom0):
    """They are listed; one is written, read and removed."""
    dom0.run("mount -t efivarfs efivarfs /sys/firmware/efi/efivars")
    names = dom0.run("ls /sys/firmware/efi/efivars").split()
    assert f"BootOrder-{GLOBAL}" in names and f"BootCurrent-{GLOBAL}" in names, names
    own = f"/sys/firmware/efi/efivars/{OWN}"
    dom0.run(f"printf '\\007\\000\\000\\000hi uefi' >/own && cat /own >{own}")
    assert dom0.run(f"od -An -tx1 {own} | tr -d ' \\n'; echo").strip() == OWN_BYTES
    dom0.run("umount /sys/firmware/efi/efivars && mount -t efivarfs efivarfs /sys/firmware/efi/efivars")
    dom0.run(f"rm -f {own} && [ ! -e {own} ]")
    dom0.run("umount /sys/firmware/efi/efivars && mount -t efivarfs efivarfs /sys/firmware/efi/efivars")
    assert OWN not in dom0.run("ls /sys/firmware/efi/efivars").split()


@pytest.mark.parametrize("acpi", ["off", "on"])
def test_dom0(boot_uefi, acpi):
    with boot_uefi(acpi) as dom0:
        dom0.boot(BOOT_TIMEOUT)
        log = dom0.hypervisor_log()
        assert re.search(r"UEFI runtime services: \d+, \d+ ranges", log), log
        assert "runtime services are off" not in log
        dom0.run("busybox insmod /efivarfs.ko")
        check_clock(dom0)
        check_variables(dom0)
        assert "has failed" not in dom0.hypervisor_log()
        # The machine's end: by dom0's EFI handler and the hypervisor's way out.
        dom0.send_raw("reboot -f\r")
        assert dom0.wait_end() == 0
