# SPDX-License-Identifier: MIT
"""A machine that is a directory: what the package's scripts are run on."""

import json
import os
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
FAKES = pathlib.Path(__file__).resolve().parent / "fakes"

MOUNTED = "/boot/efi FSTYPE vfat\n/boot/efi SOURCE /dev/vda1\n"
PARTITION = "HD(1,GPT,5c0f2b34-8a1e-4b7c-9d3f-0123456789ab,0x800,0x80000)"
ANOTHER = "HD(1,GPT,00000000-8a1e-4b7c-9d3f-0123456789ab,0x800,0x80000)"


class Scratch:
    def __init__(self, root, package):
        self.root, self.package = root, package
        self.env = {"PATH": f"{FAKES}:{package}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                    "DPKG_ROOT": str(root), "ARGON_ROOT": str(root)}
        for directory in ("boot/efi/EFI/debian", "etc/default/grub.d", "run", "sys/hypervisor", "sys/class/block/vda1",
                          "sys/firmware/efi/efivars"):
            (root / directory).mkdir(parents=True)
        self.write("sys/class/block/vda1/partition", "1\n")
        self.write("root", "SOURCE /dev/vda2\nUUID 1234-abcd\nFSTYPE ext4\nFSROOT /\n")
        self.write("mounts", MOUNTED)
        self.write("partuuid", "5C0F2B34-8A1E-4B7C-9D3F-0123456789AB\n")
        self.write("partition", PARTITION)
        self.write("variables", '{"entries": {"0001": ["debian", "File(x)"]}, "order": ["0001"], "next": null}')
        self.write("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n')
        self.write("etc/default/grub.d/a.cfg", 'GRUB_CMDLINE_XEN="dom0_mem=2G"\n')
        self.write("boot/xen-argon-arm64", "argon")
        self.kernel("6.1.0-9-arm64")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name):
        return (self.root / name).read_text()

    def kernel(self, release, xen=True, initrd=True):
        self.write(f"boot/config-{release}", "CONFIG_XEN_DOM0=y\n" if xen else "# CONFIG_XEN_DOM0 is not set\n")
        self.write(f"boot/vmlinuz-{release}", f"kernel {release}")
        if initrd:
            self.write(f"boot/initrd.img-{release}", f"initrd {release}")

    def run(self, *command, status=0, **env):
        done = subprocess.run(command, capture_output=True, text=True, env=self.env | env, cwd=self.root)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    def efi(self, *words, status=0, **env):
        return self.run("argon-efi-boot", *words, status=status, **env)

    def script(self, name, *words, **env):
        return self.run("sh", "-e", str(self.package / "DEBIAN" / name), *words, **env)

    def files(self):
        return sorted(path.name for path in (self.root / "boot/efi/EFI").glob("argon/*"))

    def command(self, name, text):
        """A command of that name in front of the others, from now on."""
        self.write(f"commands/{name}", f"#!/bin/sh\n{text}\n")
        (self.root / "commands" / name).chmod(0o755)
        if "/commands:" not in self.env["PATH"]:
            self.env["PATH"] = f"{self.root}/commands:{self.env['PATH']}"

    def copied(self, name):
        """What dom0 would be started with: the text of the file that argon.cfg names, and its name's beginning."""
        key = "kernel" if name.startswith("vmlinuz-") else "ramdisk"
        found = re.search(rf"^{key}=(\S+)", self.read("boot/efi/EFI/argon/argon.cfg"), re.M)[1]
        assert found.startswith(name), found
        return self.read(f"boot/efi/EFI/argon/{found}")


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def variables(scratch):
    return json.loads(scratch.read("variables"))
