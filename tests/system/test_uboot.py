# SPDX-License-Identifier: MIT
"""The README's recipe for U-Boot, typed line by line into the U-Boot of Debian's u-boot-qemu."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import machine as machines

UBOOT = pathlib.Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin")
UBOOT_PROMPT = "\n=> "
# The README's commands load from here: QEMU puts the disk there without a partition table.
DISK = "virtio-blk-device,drive=disk"


def recipe():
    """The README's lines for a board, with the first replaced by the README's first line for this machine."""
    readme = (machines.TOP / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("\n**With U-Boot**"):]
    section = section[:section.index("\n## ", 1)]
    blocks = [[line.strip() for line in block.splitlines()]
              for block in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)]
    assert len(blocks) == 2, f"the README's section has the commands and this machine's first line: {blocks}"
    commands, here = blocks
    assert commands[0].startswith("setenv disk") and commands[-1].startswith("booti"), commands
    return here + commands[1:]


def argument(commands, name):
    """The text that the recipe gives a property of /chosen."""
    return next(re.search(r'"(.*)"', line).group(1) for line in commands if f" {name} " in line)


@pytest.fixture
def disk(request, hypervisor):
    """A disk image with a file system that holds what the recipe loads; made without being root."""
    folder = machines.BUILD / "tests" / "system" / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    files = folder / "files"
    files.mkdir(parents=True)
    shutil.copy(hypervisor, files / "argon-arm64")
    shutil.copy(machines.IMAGES / "vmlinuz", files / "vmlinuz")
    shutil.copy(machines.IMAGES / "dom0.cpio", files / "initrd.img")
    machines.dump_dtb(machines.Options(firmware=UBOOT), files / "board.dtb")
    mke2fs = shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    mebibytes = sum(file.stat().st_size for file in files.iterdir()) // (1 << 20) + 32
    subprocess.run([mke2fs, "-q", "-t", "ext4", "-d", files, folder / "disk", f"{mebibytes}M"], check=True,
                   capture_output=True)
    shutil.rmtree(files)
    yield folder / "disk"
    shutil.rmtree(folder)


def type_command(uboot, line):
    """Type a command at U-Boot's prompt and see that it succeeds."""
    uboot.send(line)
    uboot.send_raw("\r")
    uboot.expect_text(UBOOT_PROMPT)
    said = uboot.child.before
    uboot.send_raw("echo status $?\r")
    status = uboot.expect(r"\nstatus (\d+)").group(1)
    uboot.expect_text(UBOOT_PROMPT)
    assert status == "0", f"U-Boot: {line!r} ended with {status}:\n{said}\nconsole log: {uboot.log}"


def test_readme(make_machine, disk):
    commands = recipe()
    drive = f"file={disk},format=raw,if=none,id=disk"
    with make_machine(firmware=UBOOT, extra=["-drive", drive, "-device", DISK]) as dom0:
        dom0.expect_text("Hit any key to stop autoboot")
        dom0.send_raw(" ")
        dom0.expect_text(UBOOT_PROMPT)
        for line in commands[:-1]:
            type_command(dom0, line)
        dom0.send(commands[-1])
        dom0.send_raw("\r")
        dom0.expect_text("Starting kernel ...")
        dom0.boot()
        facts = dict(re.findall(r"^(\S+) *: (.*?) *$", dom0.run("xl info"), re.MULTILINE))
        assert (facts["xen_major"], facts["xen_minor"]) == ("4", "17")
        assert facts["xen_commandline"] == argument(commands, "xen,xen-bootargs")
        assert dom0.run("cat /proc/cmdline") == argument(commands, "xen,dom0-bootargs")
        assert dom0.run("cat /proc/xen/capabilities") == "control_d"
        assert dom0.run("find /proc/device-tree/chosen -name 'module@*'") == ""
