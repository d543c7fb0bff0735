# SPDX-License-Identifier: MIT
"""The disk that Debian's UEFI finds Argon on (machine.Options.uefi)."""

import os
import shutil

import machine as machines

FOLDER = "EFI/BOOT"
# What the Debian tools' users write.
CONFIG = """\
# Which of them is started:
[global]
default=debian

[other]
options=maxcpus=1
kernel=nothing-here

[debian]
options=console=dtuart dom0_mem=768M
kernel=vmlinuz console=hvc0 quiet
ramdisk=initrd
"""


class Disk:
    """A folder that the machine sees as its disk."""

    def __init__(self, folder, hypervisor):
        self.folder, self.hypervisor = folder, hypervisor
        shutil.rmtree(folder, ignore_errors=True)

    def path(self, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def text(self, name, text):
        self.path(name).write_text(text, encoding="ascii")

    def add(self, name, source):
        os.link(source, self.path(name))

    def copy(self, name, source):
        shutil.copy(source, self.path(name))

    def boot_files(self, folder=FOLDER):
        """dom0's kernel and initramfs."""
        self.add(f"{folder}/vmlinuz", machines.IMAGES / "vmlinuz")
        self.add(f"{folder}/initrd", machines.IMAGES / "dom0.cpio")

    def application(self, config=CONFIG):
        """Argon as firmware looks for it on any disk; its configuration file, unless that is None."""
        self.copy(f"{FOLDER}/BOOTAA64.EFI", self.hypervisor)
        if config is not None:
            self.text(f"{FOLDER}/BOOTAA64.cfg", config)
