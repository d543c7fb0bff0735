# SPDX-License-Identifier: MIT
"""The Debian package: what is in it, what lintian says, and what its scripts do."""

import gzip
import os
import re
import shutil
import struct
import subprocess

import pytest

from machine import TOP, output


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


def test_files(unpacked):
    """Names in /boot are those of every version: GRUB's menu is true after an upgrade, made anew or not."""
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")
             if path.is_file() and "DEBIAN" not in path.parts}
    documents = {name for name in found if name.startswith("usr/share/doc/argon-hypervisor/")}
    assert found - documents == {
        "boot/xen-argon-arm64", "boot/xen-argon-arm64.config",
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


@pytest.mark.parametrize("other", ["xen-4.17-arm64", "xen-4.17-arm64.efi", "xen-4.20-arm64"])
def test_grub_takes_it_before_others(unpacked, other):
    """20_linux_xen's first entry is the latest: by dpkg's order of what follows "xen-" (2.06), by sort -V (2.12)."""
    ours = next((unpacked / "boot").glob("xen-argon*-arm64")).name
    versions = [name.removeprefix("xen-") for name in (ours, other)]
    subprocess.run(["dpkg", "--compare-versions", versions[0], "gt", versions[1]], check=True)
    latest = output("sort", "-V", input=f"/boot/{ours}\n/boot/{other}\n", env={"LC_ALL": "C"})
    assert latest.split()[-1] == f"/boot/{ours}"


def test_image_is_an_arm64_image_and_an_efi_application(unpacked):
    """As grub-file --is-arm64-efi and the arm64 boot protocol look at it."""
    image, = (path.read_bytes() for path in (unpacked / "boot").glob("xen-argon*-arm64"))
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


def test_what_the_build_runs_is_named():
    """The hypervisor's link is looked at by Python."""
    named = re.search(r"^Build-Depends: (.*)$", (TOP / "debian/control").read_text(), re.M)[1].split(", ")
    assert "#!/usr/bin/python3" in (TOP / "scripts/layers.py").read_text() and "python3:any" in named
    text = (TOP / "docs/installing.md").read_text()
    assert all(f"`{name.split()[0].split(':')[0]}`" in text for name in named if not name.startswith("debhelper"))


def test_libraries_without_changelogs_stop_the_build(tmp_path):
    """As in containers whose dpkg leaves /usr/share/doc out."""
    run = subprocess.run([TOP / "debian/built-using", tmp_path], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stdout == "" and "libfdt-dev/changelog.Debian.gz" in run.stderr
    (tmp_path / "dh_gencontrol").write_text("#!/bin/sh\n")
    (tmp_path / "dh_gencontrol").chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "ARGON_SYSROOT": str(tmp_path)}
    run = subprocess.run(["make", "-f", "debian/rules", "override_dh_gencontrol"], cwd=TOP, env=env, check=False,
                         capture_output=True, text=True)
    assert run.returncode != 0 and "libfdt-dev/changelog.Debian.gz" in run.stderr


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
    # The image keeps its name through upgrades; of a package whose image had another it is gone.
    scratch.write("boot/grub/grub.cfg", "xen_hypervisor /@root/boot/xen-argon-arm64 placeholder dom0_mem=2G\n")
    assert "GRUB's menu is as it was" in scratch.script("postinst", "configure", "0.8", UPDATE_GRUB_STATUS="1")
    scratch.write("boot/grub/grub.cfg", """\
echo 'Loading Xen argon-0.8-arm64 ...'
\txen_hypervisor\t/boot/xen-argon-0.8-arm64 placeholder dom0_mem=2G
\txen_hypervisor /boot/xen-argon-0.8-arm64 placeholder
""")
    out = scratch.script("postinst", "configure", "0.8", UPDATE_GRUB_STATUS="1")
    assert "as it was" not in out
    assert "GRUB's menu names xen-argon-0.8-arm64, which is gone" in out and "before the next boot" in out
    out = scratch.script("postrm", "remove", UPDATE_GRUB_STATUS="1")
    assert "still names Argon" in out and "before the next boot" in out


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
