# SPDX-License-Identifier: MIT
"""The Debian package: what is in it, what lintian says, and what its scripts do."""

import gzip
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
FAKES = pathlib.Path(__file__).resolve().parent / "fakes"


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture(scope="module")
def deb():
    subprocess.run([TOP / "scripts/deb.sh"], check=True)
    version = output("dpkg-parsechangelog", "-l", TOP / "debian/changelog", "-S", "Version").strip()
    return BUILD / "deb" / f"argon-hypervisor_{version}_arm64.deb"


@pytest.fixture(scope="module")
def unpacked(deb, tmp_path_factory):
    out = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "-R", deb, out], check=True)
    return out


@pytest.fixture(scope="module")
def version(deb):
    return output("dpkg-deb", "-f", deb, "Version").strip()


# What is in it

def test_fields(deb):
    fields = dict(re.findall(r"^([\w-]+): (.*)$", output("dpkg-deb", "-f", deb), re.M))
    assert fields["Package"] == "argon-hypervisor" and fields["Architecture"] == "arm64"
    # Whoever has it installed chose it: nothing of Xen's is replaced, and nothing is drawn in that may be missing.
    assert not {"Depends", "Conflicts", "Breaks", "Replaces"} & set(fields)
    # The tools' package recommends its version's hypervisor: Debian's would come with them, and stay after a purge.
    assert fields["Recommends"].startswith("xen-utils-4.17, ")
    assert "xen-hypervisor-4.17" in fields["Provides"].split(", ")
    assert re.fullmatch(r"device-tree-compiler \(= \S+\), zlib \(= \S+\)", fields["Static-Built-Using"])


def test_files(unpacked, version):
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")
             if path.is_file() and "DEBIAN" not in path.parts}
    documents = {name for name in found if name.startswith("usr/share/doc/argon-hypervisor/")}
    assert found - documents == {
        f"boot/xen-argon-{version}-arm64", f"boot/xen-argon-{version}-arm64.config",
        "usr/sbin/argon-efi-boot", "usr/share/man/man8/argon.8.gz", "usr/share/man/man8/argon-efi-boot.8.gz",
        "usr/share/lintian/overrides/argon-hypervisor",
        "etc/kernel/postinst.d/zz-argon-efi-boot", "etc/kernel/postrm.d/zz-argon-efi-boot",
        "etc/initramfs/post-update.d/argon-efi-boot"}
    names = {os.path.basename(name).removesuffix(".gz") for name in documents}
    assert {"copyright", "changelog", "installing.md", "README.md"} <= names


def test_grub_takes_the_image_and_skips_the_rest(unpacked):
    """20_linux_xen's own pattern: what it takes in /boot is the image alone."""
    skipped = re.compile(r"xen-syms-|xenpolicy-|\.(config|sig|rpmsave|rpmnew)$|\.dpkg-")
    taken = [path.name for path in (unpacked / "boot").glob("xen*") if not skipped.search(path.name)]
    assert len(taken) == 1 and taken[0].startswith("xen-argon-")


def test_image_is_an_arm64_image_and_an_efi_application(unpacked):
    """As grub-file --is-arm64-efi and the arm64 boot protocol look at it."""
    image, = (path.read_bytes() for path in (unpacked / "boot").glob("xen-argon-*-arm64"))
    assert image[0x38:0x3C] == b"ARM\x64"
    assert image[:2] == b"MZ"
    pe, = struct.unpack_from("<I", image, 0x3C)
    assert image[pe:pe + 4] == b"PE\0\0"
    assert struct.unpack_from("<H", image, pe + 4)[0] == 0xAA64
    assert struct.unpack_from("<H", image, pe + 24)[0] == 0x20B
    assert struct.unpack_from("<H", image, pe + 24 + 68)[0] == 10


def test_config(unpacked, version):
    text = next((unpacked / "boot").glob("*.config")).read_text()
    assert version in text and "CONFIG_ARM_64=y" in text and re.search(r"^CONFIG_NR_CPUS=\d+$", text, re.M)


def test_licences(unpacked):
    text = (unpacked / "usr/share/doc/argon-hypervisor/copyright").read_text()
    assert text.startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    for licence in ("Expat", "BSD-2-Clause", "Zlib"):
        assert re.search(rf"^License: {licence}\n ", text, re.M)
    # The same terms, word for word.
    ours = re.sub(r"^ \.?", "", re.search(r"^License: Expat\n((?: .*\n)+)", text, re.M).group(1), flags=re.M)
    licence = (TOP / "LICENSE").read_text().split("\n\n", 2)[2]
    assert ours.split() == licence.split()


def test_page_is_the_one_of_docs(unpacked):
    page = gzip.decompress((unpacked / "usr/share/man/man8/argon.8.gz").read_bytes())
    assert page == (TOP / "docs/argon.8").read_bytes()


def test_lintian(deb):
    if shutil.which("lintian") is None:
        pytest.skip("no lintian")
    more = ["--allow-root"] if os.getuid() == 0 else []
    done = subprocess.run(["lintian", *more, "--fail-on", "error,warning", deb], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Its scripts, on a machine that is a directory

class Scratch:
    def __init__(self, root, package):
        self.root, self.package = root, package
        self.env = {"PATH": f"{FAKES}:{package}/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                    "DPKG_ROOT": str(root), "ARGON_ROOT": str(root)}
        for directory in ("boot/efi/EFI/debian", "etc/default/grub.d", "run", "sys/hypervisor", "sys/class/block/vda1",
                          "sys/firmware/efi/efivars"):
            (root / directory).mkdir(parents=True)
        self.write("sys/class/block/vda1/partition", "1\n")
        self.write("variables", '{"entries": {"0001": ["debian", "File(x)"]}, "order": ["0001"], "next": null}')
        self.write("etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""\n')
        self.write("etc/default/grub.d/a.cfg", 'GRUB_CMDLINE_XEN="dom0_mem=2G"\n')
        self.write("boot/xen-argon-0.9-arm64", "argon")
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


@pytest.fixture
def scratch(tmp_path, unpacked):
    return Scratch(tmp_path, unpacked)


def calls(scratch):
    path = scratch.root / "calls"
    return path.read_text().split() if path.exists() else []


def test_menu_follows(scratch):
    scratch.script("postinst", "configure", "")
    assert calls(scratch) == []                  # a machine without GRUB
    (scratch.root / "boot/grub").mkdir()
    scratch.script("postinst", "configure", "")
    assert calls(scratch) == ["update-grub"]
    scratch.script("postinst", "configure", "0.8")
    scratch.script("postrm", "upgrade", "0.9")
    scratch.script("prerm", "upgrade", "0.9")
    assert calls(scratch) == ["update-grub"] * 2
    scratch.script("prerm", "remove")
    scratch.script("postrm", "remove")
    assert calls(scratch) == ["update-grub"] * 3
    assert scratch.files() == []                 # nobody asked for an EFI entry


def test_a_menu_that_cannot_be_made_is_said_and_stops_nothing(scratch):
    (scratch.root / "boot/grub").mkdir()
    assert "GRUB's menu is as it was" in scratch.script("postinst", "configure", "", UPDATE_GRUB_STATUS="1")
    assert "still names Argon" in scratch.script("postrm", "remove", UPDATE_GRUB_STATUS="1")


def test_entries_that_secure_boot_refuses_are_said(scratch):
    name = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    (scratch.root / "boot/grub").mkdir()
    for value in (0, 1):
        (scratch.root / name).write_bytes(bytes([6, 0, 0, 0, value]))
        assert ("cannot start, and may be its default" in scratch.script("postinst", "configure", "")) == (value == 1)


def test_documents_that_are_named_are_there(unpacked):
    """By the man pages and maintainer scripts: larger ones are compressed."""
    pages = [gzip.decompress(page.read_bytes()).decode() for page in (unpacked / "usr/share/man/man8").iterdir()]
    scripts = [script.read_text() for script in (unpacked / "DEBIAN").iterdir()]
    named = set(re.findall(r"/usr/share/doc/[\w./-]*\w", "\n".join(pages + scripts).replace("\\-", "-")))
    assert named and all((unpacked / name[1:]).exists() for name in named), named


def test_reboot_is_asked_for_where_a_hypervisor_runs(scratch):
    note = scratch.root / "run/reboot-required.pkgs"
    scratch.script("postinst", "configure", "0.8")
    assert not note.exists()
    scratch.write("sys/hypervisor/type", "xen\n")
    scratch.script("postinst", "configure", "")
    assert not note.exists()
    scratch.script("postinst", "configure", "0.8")
    scratch.script("postinst", "configure", "0.8")
    assert note.read_text() == "argon-hypervisor\n" and (scratch.root / "run/reboot-required").exists()


def test_purge(scratch):
    scratch.write("etc/default/argon-efi-boot", "ARGON_OPTIONS=x\n")
    scratch.script("postrm", "remove")
    assert (scratch.root / "etc/default/argon-efi-boot").exists()
    scratch.script("postrm", "purge")
    assert not (scratch.root / "etc/default/argon-efi-boot").exists()


# argon-efi-boot

def variables(scratch):
    return json.loads(scratch.read("variables"))


def test_efi_install(scratch):
    out = scratch.efi("install")
    assert "made the boot entry Boot0000, Argon" in out and "boot order is as it was" in out
    assert scratch.files() == ["argon.cfg", "argon.efi", "initrd.img-6.1.0-9-arm64", "vmlinuz-6.1.0-9-arm64"]
    cfg = scratch.read("boot/efi/EFI/argon/argon.cfg").split("\n")
    assert "[global]" in cfg and "default=argon" in cfg and "[argon]" in cfg
    assert "options=dom0_mem=2G " in cfg and "ramdisk=initrd.img-6.1.0-9-arm64" in cfg
    assert "kernel=vmlinuz-6.1.0-9-arm64 root=UUID=1234-abcd ro  quiet console=hvc0" in cfg
    assert variables(scratch)["entries"]["0000"] == [
        "Argon", r"HD(1,GPT,x,0x800,0x80000)/File(\EFI\argon\argon.efi)"]
    assert variables(scratch)["order"] == ["0001"] and variables(scratch)["next"] is None
    # Again: the same.
    scratch.efi("install", "--next")
    scratch.efi("install", "--first")
    assert len(variables(scratch)["entries"]) == 2 and variables(scratch)["next"] == "0000"
    assert variables(scratch)["order"] == ["0000", "0001"]
    scratch.efi("install", "--first")
    assert variables(scratch)["order"] == ["0000", "0001"]


def test_efi_follows_once_asked_for(scratch):
    kernel = str(scratch.package / "etc/kernel/postinst.d/zz-argon-efi-boot")
    assert scratch.run(kernel, "6.1.0-9-arm64") == "" and scratch.files() == []
    assert "not installed" in scratch.efi("update", status=1)
    scratch.efi("install")
    for release, more in (("6.1.0-12-arm64", {}), ("6.1.0-11-arm64", {}), ("6.1.0-13-arm64", {"xen": False}),
                          ("6.1.0-14-arm64", {"initrd": False})):
        scratch.kernel(release, **more)
    scratch.write("boot/xen-argon-0.10-arm64", "newer argon")
    scratch.write("boot/xen-argon-0.10-arm64.config", "")
    script = str(scratch.package / "etc/initramfs/post-update.d/argon-efi-boot")
    for hook in (kernel, script):
        scratch.run(hook, "6.1.0-12-arm64")
        assert scratch.files() == ["argon.cfg", "argon.efi", "initrd.img-6.1.0-12-arm64", "vmlinuz-6.1.0-12-arm64"]
        assert scratch.read("boot/efi/EFI/argon/argon.efi") == "newer argon"
    scratch.write("boot/initrd.img-6.1.0-12-arm64", "made anew")
    assert "initrd.img-6.1.0-12-arm64 is not what" in scratch.efi("status")
    scratch.script("postinst", "configure", "0.8")
    assert scratch.efi("status").count("is current") == 3
    # A kernel that goes.
    (scratch.root / "boot/vmlinuz-6.1.0-12-arm64").unlink()
    scratch.run(str(scratch.package / "etc/kernel/postrm.d/zz-argon-efi-boot"), "6.1.0-12-arm64")
    assert "vmlinuz-6.1.0-11-arm64" in scratch.files()


def test_efi_hooks_never_fail(scratch):
    scratch.efi("install")
    before = scratch.files()
    for path in (scratch.root / "boot").glob("vmlinuz-*"):
        path.unlink()
    out = scratch.run(str(scratch.package / "etc/kernel/postrm.d/zz-argon-efi-boot"))
    assert "there is no kernel" in out and "still starts what it did" in out and scratch.files() == before
    assert "still starts" in scratch.script("postinst", "configure", "0.8")


def test_efi_remove(scratch):
    scratch.efi("install", "--first")
    scratch.script("prerm", "remove")
    assert scratch.files() == [] and not (scratch.root / "boot/efi/EFI/argon").exists()
    assert list(variables(scratch)["entries"]) == ["0001"] and variables(scratch)["order"] == ["0001"]
    assert scratch.script("prerm", "remove") == ""
    assert "not installed" in scratch.efi("status")


def test_efi_settings(scratch):
    scratch.write("etc/default/argon-efi-boot",
                  'ARGON_OPTIONS="acpi=on"\nDOM0_OPTIONS="root=/dev/sda9"\nESP=/boot/elsewhere\n')
    assert "no EFI system partition" in scratch.efi("install", status=1)
    (scratch.root / "boot/elsewhere").mkdir()
    # The fake knows the usual place alone: files, but no entry.
    assert "cannot tell which disk" in scratch.efi("install", status=1)
    cfg = scratch.read("boot/elsewhere/EFI/argon/argon.cfg").split("\n")
    assert "options=acpi=on" in cfg and "kernel=vmlinuz-6.1.0-9-arm64 root=/dev/sda9" in cfg


# Of xen-hypervisor-common, which the package recommends: what it uses that only grub-mkconfig has.
XEN_CFG = """\
echo "Including Xen overrides from /etc/default/grub.d/xen.cfg" >&2
if [ "$XEN_OVERRIDE_GRUB_DEFAULT" = "" ]; then
    grub_warn "GRUB_DEFAULT changed to boot into Xen by default!"
fi
GRUB_DEFAULT=$(printf "$(gettext "%s, with Xen hypervisor")" "$GRUB_DISTRIBUTOR GNU/Linux")
"""


def lines_of_cfg(scratch, *keys):
    text = scratch.read("boot/efi/EFI/argon/argon.cfg")
    return [" ".join(re.search(f"^{key}=(.*)$", text, re.M).group(1).split()) for key in keys]


def test_efi_options_are_those_of_grub(scratch):
    scratch.write("etc/default/grub.d/xen.cfg", XEN_CFG)
    scratch.write("etc/default/grub.d/z.cfg", 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX net.ifnames=0"\n')
    assert "Including" not in scratch.efi("install")
    kernel = "vmlinuz-6.1.0-9-arm64 root=UUID=1234-abcd ro"
    assert lines_of_cfg(scratch, "options", "kernel") == ["dom0_mem=2G", f"{kernel} net.ifnames=0 quiet console=hvc0"]
    scratch.write("etc/default/grub.d/z.cfg", 'GRUB_CMDLINE_LINUX_XEN_REPLACE="console=hvc0 nosplash"\n')
    scratch.efi("update")
    assert lines_of_cfg(scratch, "kernel") == [f"{kernel} console=hvc0 nosplash quiet"]
    before = scratch.read("boot/efi/EFI/argon/argon.cfg")
    scratch.write("etc/default/grub.d/zz.cfg", 'GRUB_CMDLINE_XEN="\n')
    assert "cannot be read: update-grub says more" in scratch.efi("update", status=1)
    assert scratch.read("boot/efi/EFI/argon/argon.cfg") == before


@pytest.mark.parametrize("root, option", [
    ("SOURCE /dev/mapper/vg-root\nUUID 1\nFSTYPE ext4\nFSROOT /\n", "root=/dev/mapper/vg-root ro"),
    ("SOURCE /dev/sda2[/@rootfs]\nUUID 1\nFSTYPE btrfs\nFSROOT /@rootfs\n", "root=UUID=1 rootflags=subvol=@rootfs ro"),
    ("SOURCE /dev/mapper/c[/@]\nUUID 1\nFSTYPE btrfs\nFSROOT /@\n", "root=/dev/mapper/c rootflags=subvol=@ ro"),
    ("SOURCE pool/root\nFSTYPE zfs\nFSROOT /\n", None)], ids=["lvm", "btrfs", "btrfs-crypt", "zfs"])
def test_efi_root(scratch, root, option):
    scratch.write("root", root)
    if option is None:
        assert "has no UUID" in scratch.efi("install", status=1) and scratch.files() == []
    else:
        scratch.efi("install")
        assert lines_of_cfg(scratch, "kernel")[0].startswith(f"vmlinuz-6.1.0-9-arm64 {option} ")


def test_efi_secure_boot(scratch):
    name = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    (scratch.root / name).write_bytes(b"\6\0\0\0\0")
    assert "Secure Boot" not in scratch.efi("install")
    (scratch.root / name).write_bytes(b"\6\0\0\0\1")
    assert "Secure Boot is on, and" in scratch.efi("update") and "will refuse it" in scratch.efi("update")
    scratch.write("key", "k")
    scratch.write("cert", "c")
    scratch.write("etc/default/argon-efi-boot", f"SIGN_KEY={scratch.root}/key\nSIGN_CERT={scratch.root}/cert\n")
    assert "refuse" not in scratch.efi("update")
    assert scratch.read("boot/efi/EFI/argon/argon.efi") == "argonsigned\n"
    scratch.write("etc/default/argon-efi-boot", f"SIGN_KEY={scratch.root}/nokey\nSIGN_CERT={scratch.root}/cert\n")
    assert "sbsign cannot sign" in scratch.efi("update", status=1)
    assert scratch.read("boot/efi/EFI/argon/argon.efi") == "argonsigned\n"


def test_efi_what_cannot_be_done_is_said(scratch, tmp_path):
    (scratch.root / "variables").rename(tmp_path / "kept")
    assert "variables cannot be reached" in scratch.efi("install", status=1)
    assert "argon.cfg" in scratch.files()
    assert "variables cannot be reached" in scratch.efi("remove")
    assert scratch.files() == []
    full = tmp_path / "full"
    full.mkdir()
    (full / "df").write_text("#!/bin/sh\necho header\necho x 1 1 20 1 x\n")
    (full / "df").chmod(0o755)
    out = scratch.efi("install", status=1, PATH=f"{full}:{scratch.env['PATH']}")
    assert "has 0 MiB free" in out and "nothing was changed" in out and scratch.files() == []
    (scratch.root / "boot/xen-argon-0.9-arm64").unlink()
    assert "there is no Argon in" in scratch.efi("install", status=1)
    for words in ((), ("install", "--firts"), ("instal",), ("status", "--next")):
        assert "usage:" in scratch.efi(*words, status=1)
