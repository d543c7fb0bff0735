# SPDX-License-Identifier: MIT
"""UEFI's runtime services in dom0: the clock, variables and the way back into firmware, under edk2."""

import re
import tarfile
import time

import pytest

import machine as machines
import uefi

GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
# Linux lets root remove variables of this vendor; those that it does not know are immutable.
OWN = "dump-argon-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0"
OWN_BYTES = "07000000" + "68692075656669"         # attributes NV, BS, RT, then "hi uefi"


def efivarfs_module():
    """dom0's driver of the file system of variables: a module that its initramfs does not have."""
    with tarfile.open(machines.IMAGES / "debian-root.tar") as tar:
        name = next(n for n in tar.getnames() if n.endswith("/efivarfs.ko"))
        return tar.extractfile(name).read()


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


@pytest.mark.parametrize("acpi", [False, True], ids=["tree", "acpi"])
def test_dom0(make_machine, uefi_disk, acpi):
    made = make_machine(uefi=uefi_disk.folder, acpi=acpi, memory=3072, files={"/efivarfs.ko": efivarfs_module()})
    uefi_disk.application()
    uefi_disk.add(f"{uefi.FOLDER}/vmlinuz", machines.IMAGES / "vmlinuz")
    uefi_disk.copy(f"{uefi.FOLDER}/initrd", made.initrd)
    with made as dom0:
        dom0.boot()
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
