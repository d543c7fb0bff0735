# SPDX-License-Identifier: MIT
"""A machine with Debian on its disk, UEFI firmware and GRUB: what is booted is chosen in GRUB's menu."""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "system"))

import machine as machines  # noqa: E402 (found through the path just added)

DISK = machines.BUILD / "installed" / "disk.qcow2"
FIRMWARE_CODE, FIRMWARE_VARS = machines.AAVMF / "AAVMF_CODE.fd", machines.AAVMF / "AAVMF_VARS.fd"
PROMPT = "root@argon-test:~# "

# From reset to a login, with firmware, GRUB, hypervisor and systemd, on a slow host.
BOOT_TIMEOUT = 900
COMMAND_TIMEOUT = 300

# Keys in GRUB's menu.
DOWN, TOP_OF_MENU = "\x1b[B", "\x01"


@dataclasses.dataclass
class Package:
    """What is installed, and by which words it is known afterwards."""

    # By dpkg: one name or several.
    name: str
    # dpkg's arguments, on the machine.
    files: str
    # The version string in GRUB's submenu "Xen hypervisor, version ...".
    version: str
    # Says that this hypervisor, and no other, runs: its output of `xl info` has this.
    info: str
    # A file of this machine, which the installed one has at /mnt.
    deb: pathlib.Path | None = None


PEER = Package("xen-hypervisor-4.17-arm64 xen-hypervisor-common", "/root/peer/*.deb", "4.17-arm64",
               r"xen_extra +: \.\d")


def argon(deb=None):
    if deb is None:
        found = sorted((machines.BUILD / "deb").glob("argon-hypervisor_*_arm64.deb"))
        assert len(found) == 1, f"one package in build/deb, not {found}: make deb"
        deb = found[0]
    return Package("argon-hypervisor", f"/mnt/{deb.name}", "argon-arm64", r"xen_extra +: \S*argon", deb)


class Installed(machines.Machine):
    """GRUB's menu, a login, and commands as root."""

    def menu(self, *titles):
        """In GRUB's menu choose the entry whose title matches, by way of submenus."""
        self.expect(r"GNU GRUB", BOOT_TIMEOUT)
        for title in titles:
            self.choose(title)

    def choose(self, title):
        """From the top down the menu until the title that is marked with * matches; then in. Returns the titles seen.

        What is chosen already need not be the top: with xen-hypervisor-common it is the hypervisor's entry.
        """
        seen = []
        shown = self.read_for(3)
        self.child.send(TOP_OF_MENU)
        while True:
            shown += self.read_for(3)
            marked = re.findall(r"\*([^\x1b\r\n]*[^\x1b\r\n ])", shown)
            if not marked or (seen and marked[-1] == seen[-1]):
                raise machines.Hung(f"GRUB's menu has no entry {title!r}, but {seen}; console log: {self.log}")
            seen.append(marked[-1])
            if re.search(title, seen[-1]):
                self.child.send("\r")
                return seen
            shown = ""
            self.child.send(DOWN)

    def login(self, timeout=BOOT_TIMEOUT):
        """Wait for a console's login, and have a shell that echoes plainly."""
        found = self.expect([r"argon-test login: ", r"end Kernel panic", r"grub rescue>", r"Press any key to continue",
                             r"Give root password"], timeout)
        if "login" not in found.group(0):
            raise machines.Hung(f"{found.group(0)!r} instead of a login; console log: {self.log}")
        self.read_for(3)
        self.child.send("root\r")
        self.expect_text("Password: ", COMMAND_TIMEOUT)
        self.child.send("argon\r")
        self.expect_text(PROMPT, COMMAND_TIMEOUT)
        self.child.send("set +o emacs; unset HISTFILE; dmesg -n 1; PS1='dom0''# '\r")
        self.expect_text(machines.PROMPT, COMMAND_TIMEOUT)
        self.read_for(1)
        self.run("systemctl is-system-running --wait || true", BOOT_TIMEOUT)
        return self

    def run(self, command, timeout=COMMAND_TIMEOUT, check=True):
        return super().run(command, timeout, check)

    def reboot(self):
        """Ask systemd for it; the menu comes next.

        QEMU ends at the reset and is started anew, with the same disk and variables: an old one is slow, since it looks
        for what it has ever translated at each store to where some program was before the reset.
        """
        self.child.send("systemctl reboot\r")
        assert self.wait_end(BOOT_TIMEOUT) == 0
        self.spawn()

    def failed_units(self):
        out = self.run("SYSTEMD_COLORS=0 systemctl --failed --plain --no-legend --no-pager")
        return {line.split()[0] for line in out.split("\n") if line.strip()}

    def install(self, package):
        """As a user does: dpkg, whose scripts call update-grub."""
        if package.deb is not None:
            self.run("mount -o ro /dev/vdb /mnt")
        out = self.run(f"DEBIAN_FRONTEND=noninteractive dpkg -i {package.files}", BOOT_TIMEOUT)
        if package.deb is not None:
            self.run("umount /mnt")
        return out


def machine(directory, name, package=None, **fields):
    """A machine on a new overlay of the disk, with new firmware variables."""
    overlay = directory / f"{name}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", DISK, overlay], check=True)
    variables = directory / f"{name}.fd"
    shutil.copyfile(FIRMWARE_VARS, variables)
    extra = ["-drive", f"if=none,id=disk,file={overlay},cache=unsafe",
             "-device", "virtio-blk-pci,drive=disk,bootindex=1"]
    if package is not None and package.deb is not None:
        # A second disk: an ext4 file system with this file alone.
        folder, image = directory / "packages", directory / "packages.img"
        folder.mkdir(exist_ok=True)
        shutil.copy(package.deb, folder)
        subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, image, "8M"], check=True)
        extra += ["-drive", f"if=none,id=packages,format=raw,readonly=on,file={image}",
                  "-device", "virtio-blk-pci,drive=packages"]
    options = machines.Options(flash=(FIRMWARE_CODE, variables), extra=extra, **fields)
    return Installed(options, name)
