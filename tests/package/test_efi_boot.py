# SPDX-License-Identifier: MIT
"""argon-efi-boot, by itself and as the package's scripts and hooks call it."""

import json
import re
import subprocess

import pytest

from machine import ANOTHER, MOUNTED, PARTITION, variables


def test_efi_install(scratch):
    out = scratch.efi("install")
    assert "made the boot entry Boot0000, Argon" in out and "boot order is as it was" in out
    assert [name[:-9] for name in scratch.files()] == ["", "", "initrd.img-6.1.0-9-arm64", "vmlinuz-6.1.0-9-arm64"]
    assert scratch.files()[:2] == ["argon.cfg", "argon.efi"]
    assert scratch.copied("vmlinuz-6.1.0-9-arm64") == "kernel 6.1.0-9-arm64"
    assert scratch.copied("initrd.img-6.1.0-9-arm64") == "initrd 6.1.0-9-arm64"
    cfg = scratch.read("boot/efi/EFI/argon/argon.cfg").split("\n")
    assert "[global]" in cfg and "default=argon" in cfg and "[argon]" in cfg
    assert "options=dom0_mem=2G " in cfg and f"ramdisk={scratch.files()[2]}" in cfg
    assert f"kernel={scratch.files()[3]} root=UUID=1234-abcd ro  quiet console=hvc0" in cfg
    assert variables(scratch)["entries"]["0000"] == ["Argon", rf"{PARTITION}/File(\EFI\argon\argon.efi)"]
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
    scratch.write("boot/xen-argon-arm64", "newer argon")
    script = str(scratch.package / "etc/initramfs/post-update.d/argon-efi-boot")
    for hook in (kernel, script):
        scratch.run(hook, "6.1.0-12-arm64")
        assert len(scratch.files()) == 4 and scratch.copied("initrd.img-6.1.0-12-arm64") == "initrd 6.1.0-12-arm64"
        assert scratch.copied("vmlinuz-6.1.0-12-arm64") == "kernel 6.1.0-12-arm64"
        assert scratch.read("boot/efi/EFI/argon/argon.efi") == "newer argon"
    scratch.write("boot/initrd.img-6.1.0-12-arm64", "made anew")
    assert re.search("is not what .*/boot/initrd.img-6.1.0-12-arm64 is now", scratch.efi("status"))
    scratch.script("postinst", "configure", "0.8")
    assert scratch.efi("status").count("is current") == 3
    # A kernel that goes.
    (scratch.root / "boot/vmlinuz-6.1.0-12-arm64").unlink()
    scratch.run(str(scratch.package / "etc/kernel/postrm.d/zz-argon-efi-boot"), "6.1.0-12-arm64")
    assert scratch.copied("vmlinuz-6.1.0-11-arm64") and len(scratch.files()) == 4


def bootable(scratch):
    """What the firmware would start: kernel and initramfs of one time."""
    return scratch.copied("vmlinuz-"), scratch.copied("initrd.img-")


@pytest.mark.parametrize("command", ["cat", "mv", "sync"])
def test_efi_a_step_that_fails_leaves_all_that_was(scratch, command):
    """Kernel and initramfs made anew under their names, as by a point release; then the machine goes off or the disk
    fails at any of the steps."""
    scratch.efi("install")
    before = bootable(scratch)
    scratch.write("boot/vmlinuz-6.1.0-9-arm64", "another kernel")
    scratch.write("boot/initrd.img-6.1.0-9-arm64", "another initrd")
    scratch.write("boot/xen-argon-arm64", "another argon")
    # cat without a file is of the script's own text.
    scratch.command(command, f"""\
[ $# != 0 ] || exec /usr/bin/{command}
echo step >>"$ARGON_ROOT/steps"
[ "$(wc -l <"$ARGON_ROOT/steps")" -lt "$STEPS" ] || exit 1
exec /usr/bin/{command} "$@" """)
    for steps in range(1, 20):
        (scratch.root / "steps").unlink(missing_ok=True)
        done = subprocess.run(["argon-efi-boot", "update"], capture_output=True, text=True, check=False,
                              env=scratch.env | {"STEPS": str(steps)})
        if done.returncode == 0:
            break
        assert "cannot write" in done.stderr and not [name for name in scratch.files() if name.endswith(".new")]
        # The last step is after the switch.
        assert bootable(scratch) in (before, ("another kernel", "another initrd"))
        if bootable(scratch) == before:
            assert scratch.read("boot/efi/EFI/argon/argon.efi") == "argon" or command in ("mv", "sync")
    assert steps > 2 and bootable(scratch) == ("another kernel", "another initrd") and len(scratch.files()) == 4


def test_efi_needs_no_room_elsewhere(scratch):
    """A configuration cut short by a full /tmp would be what is started."""
    scratch.command("mktemp", "echo /dev/full")
    scratch.efi("install")
    assert lines_of_cfg(scratch, "ramdisk")
    scratch.write("key", "k")
    scratch.write("etc/default/argon-efi-boot", f"SIGN_KEY={scratch.root}/key\nSIGN_CERT={scratch.root}/key\n")
    scratch.efi("update")
    assert scratch.read("boot/efi/EFI/argon/argon.efi") == "argonsigned\n" and len(scratch.files()) == 4


def test_efi_old_copies_go_when_the_new_are_on_the_disk(scratch):
    scratch.efi("install")
    scratch.write("boot/initrd.img-6.1.0-9-arm64", "another initrd")
    for name in ("sync", "mv", "rm"):
        scratch.command(name, f'echo {name} "$@" >>"$ARGON_ROOT/steps"; exec /usr/bin/{name} "$@"')
    scratch.efi("update")
    steps = scratch.read("steps").splitlines()
    switch = next(n for n, step in enumerate(steps) if step.startswith("mv") and step.endswith("/argon.cfg"))
    gone = next(n for n, step in enumerate(steps) if step.startswith("rm") and "/initrd.img-" in step)
    whole = [n for n, step in enumerate(steps) if step == f"sync -f {scratch.root}/boot/efi"]
    assert [n for n in whole if n < switch] and [n for n in whole if switch < n < gone], steps


def test_efi_what_an_interrupted_copy_left_takes_no_room(scratch):
    scratch.efi("install")
    directory = "boot/efi/EFI/argon"
    for name in ("vmlinuz-6.1.0-9-arm64.new", "argon.efi.new", "initrd.img-6.1.0-8-arm64-12345678"):
        scratch.write(f"{directory}/{name}", "x")
    # As much as is needed, and no more, once they are gone.
    scratch.command("df", f"""\
echo header
if [ "$(ls {scratch.root}/{directory} | wc -l)" = 4 ]; then echo x 1 1 300 1 x; else echo x 1 1 20 1 x; fi""")
    scratch.write("boot/vmlinuz-6.1.0-9-arm64", "another kernel")
    scratch.efi("update")
    assert len(scratch.files()) == 4 and bootable(scratch)[0] == "another kernel"


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
    # A directory of the root file system is none either.
    (scratch.root / "boot/elsewhere").mkdir()
    assert "no EFI system partition" in scratch.efi("install", status=1)
    # Files, but no entry where lsblk knows nothing of the device.
    scratch.write("mounts", MOUNTED + "/boot/elsewhere FSTYPE vfat\n/boot/elsewhere SOURCE /dev/md0\n")
    assert "cannot tell which disk" in scratch.efi("install", status=1)
    cfg = scratch.read("boot/elsewhere/EFI/argon/argon.cfg")
    assert "\noptions=acpi=on\n" in cfg and re.search("^kernel=vmlinuz-6.1.0-9-arm64-\\w+ root=/dev/sda9$", cfg, re.M)
    # An empty word: no options of Argon's, and dom0's are chosen.
    scratch.write("etc/default/argon-efi-boot", 'ARGON_OPTIONS=""\nDOM0_OPTIONS=""\n')
    scratch.efi("install")
    assert lines_of_cfg(scratch, "options", "kernel") == ["", "vmlinuz root=UUID=1234-abcd ro quiet console=hvc0"]


@pytest.mark.parametrize("text, word", [("ESP=$NOTHING/boot/efi\n", None), ("[ -e /none ] && ESP=/none\n", None),
                                        ('ARGON_OPTIONS="x\n', "cannot be read"), ("exit 0\n", "cannot be read")])
def test_efi_settings_as_shells_read_them(scratch, text, word):
    scratch.write("etc/default/argon-efi-boot", text)
    out = scratch.efi("install", status=0 if word is None else 1)
    assert word is None or f"{scratch.root}/etc/default/argon-efi-boot {word}" in out


def test_efi_settings_are_those_of_the_file(scratch):
    scratch.efi("install", KERNEL="4.4", ESP="/none", ARGON_OPTIONS="wrong", DOM0_OPTIONS="wrong", SIGN_KEY="x")
    assert lines_of_cfg(scratch, "options", "kernel") == [
        "dom0_mem=2G", "vmlinuz root=UUID=1234-abcd ro quiet console=hvc0"]


def test_efi_kernel(scratch):
    """The newest is that of sort -V, as it is GRUB's, unless the settings name one."""
    for release in ("6.1.0-50-arm64", "6.1.0-50-rt-arm64"):
        scratch.kernel(release)
    scratch.kernel("6.1.0-51-arm64", xen=False)
    scratch.efi("install")
    assert scratch.copied("vmlinuz-6.1.0-50-rt-arm64-")
    scratch.write("etc/default/argon-efi-boot", "KERNEL=6.1.0-50-arm64\n")
    scratch.efi("update")
    assert scratch.copied("vmlinuz-6.1.0-50-arm64-") and len(scratch.files()) == 4
    before = scratch.files()
    for release in ("6.1.0-51-arm64", "6.1.0-52-arm64"):
        scratch.write("etc/default/argon-efi-boot", f"KERNEL={release}\n")
        assert f"KERNEL={release}: there is no such kernel with Xen support" in scratch.efi("update", status=1)
    assert scratch.files() == before


def test_efi_backslashes_stay_as_they_are(scratch):
    scratch.write("etc/default/argon-efi-boot", "DOM0_OPTIONS='root=LABEL=a\\tb\\\\c'\nARGON_OPTIONS='x=\\a'\n")
    scratch.efi("install")
    assert lines_of_cfg(scratch, "options", "kernel") == ["x=\\a", "vmlinuz root=LABEL=a\\tb\\\\c"]
    scratch.write("etc/default/argon-efi-boot", "")
    scratch.write("etc/default/grub", "GRUB_CMDLINE_LINUX='a\\nb \\c'\nGRUB_CMDLINE_XEN='e\\tf'\n")
    scratch.write("etc/default/grub.d/a.cfg", "")
    scratch.efi("update")
    assert lines_of_cfg(scratch, "options", "kernel") == [
        "e\\tf", "vmlinuz root=UUID=1234-abcd ro a\\nb \\c console=hvc0"]
    (scratch.root / "variables").unlink()
    assert "\\EFI\\argon\\argon.efi" in scratch.efi("install", status=1)
    assert "\\EFI\\argon\\argon.efi" in scratch.efi("remove")


AUTOMOUNT = "/boot/efi FSTYPE autofs\n/boot/efi SOURCE systemd-1\n"


@pytest.mark.parametrize("settings", ["", "ESP=/boot/efi\n"])
def test_efi_mounted_on_demand(scratch, settings):
    """By x-systemd.automount, or the generator of systemd's: a look into it mounts the partition over what waited."""
    scratch.write("etc/default/argon-efi-boot", settings)
    scratch.command("ls", f"""\
case $1 in {scratch.root}/boot/efi/*) printf '{AUTOMOUNT}{MOUNTED}' >{scratch.root}/mounts ;; esac
exec /usr/bin/ls "$@" """)
    for words in (("install",), ("update", "--if-installed"), ("status",), ("remove", "--if-installed")):
        scratch.write("mounts", AUTOMOUNT)
        scratch.efi(*words)
        assert bool(scratch.files()) == (words[0] != "remove") == ("0000" in variables(scratch)["entries"])


@pytest.mark.parametrize("settings", ["", "ESP=/boot/efi\n"])
def test_efi_not_mounted(scratch, settings):
    """An entry whose copies cannot be seen: it is said that they stay, and as they are."""
    scratch.write("etc/default/argon-efi-boot", settings)
    kernel = str(scratch.package / "etc/kernel/postinst.d/zz-argon-efi-boot")
    scratch.write("mounts", "")
    assert scratch.run(kernel) == scratch.script("prerm", "remove") == ""
    scratch.write("mounts", MOUNTED)
    scratch.efi("install")
    scratch.write("mounts", "/ FSTYPE ext4\n")
    assert "no EFI system partition is mounted" in scratch.efi("status")
    for script in (lambda: scratch.run(kernel), lambda: scratch.script("prerm", "remove")):
        out = script()
        assert "Boot0000" in out and "no EFI system partition is mounted" in out and "still" in out
    assert "EFI/argon" in out and "0000" in variables(scratch)["entries"]


def test_efi_an_entry_that_stays_is_said_with_its_copies(scratch):
    scratch.efi("install")
    out = scratch.script("prerm", "remove", EFIBOOTMGR_KEEPS="1")
    assert "cannot remove Boot0000" in out and "efibootmgr" in out and "EFI/argon" in out


@pytest.mark.parametrize("ours, uuid", [
    (PARTITION, "5C0F2B34-8A1E-4B7C-9D3F-0123456789AB"), (PARTITION.upper(), "5c0f2b34-8a1e-4b7c-9d3f-0123456789ab"),
    ("HD(10,MBR,0x5c0f2b34,0x800,0x80000)", "5c0f2b34-0a"), ("HD(1,MBR,0x45af,0x800,0x80000)", "000045af-01"),
    ("HD(1,MBR,0x000045af,0x800,0x80000)", "000045af-01")])
def test_efi_entries_of_other_partitions_are_others(scratch, ours, uuid):
    """A former disk's, or another installation's on the same machine."""
    scratch.write("partition", ours)
    scratch.write("partuuid", uuid + "\n")
    others = {"0000": ["Argon", rf"{ANOTHER}/File(\EFI\argon\argon.efi)"],
              "0002": ["Argon", r"HD(1,MBR,0xdeadbeef,0x800,0x80000)/\EFI\ARGON\ARGON.EFI"],
              "0003": ["Argon", rf"{re.sub('(?i)c0f2|45af', 'c0f3', ours)}/\EFI\argon\argon.efi"]}
    scratch.write("variables", json.dumps({"entries": others, "order": ["0000"], "next": None}))
    assert "made the boot entry Boot0001" in scratch.efi("install", "--first")
    assert variables(scratch)["order"] == ["0001", "0000"]
    assert "entry: 0001\n" in scratch.efi("status") and "made" not in scratch.efi("install")
    scratch.efi("remove")
    assert variables(scratch)["entries"] == others


def test_efi_entries_where_the_partition_is_not_known(scratch):
    """RAID, or an lsblk that knows no more: whatever starts Argon is taken for ours."""
    scratch.write("partuuid", "\n")
    scratch.efi("install")
    assert "made" not in scratch.efi("install", "--next") and variables(scratch)["next"] == "0000"
    scratch.efi("remove")
    assert list(variables(scratch)["entries"]) == ["0001"]


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
    values = [" ".join(re.search(f"^{key}=(.*)$", text, re.M).group(1).split()) for key in keys]
    return [re.sub(r"^vmlinuz-6.1.0-9-arm64-[0-9a-f]{8} ", "vmlinuz ", value) for value in values]


def test_efi_options_are_those_of_grub(scratch):
    scratch.write("etc/default/grub.d/xen.cfg", XEN_CFG)
    scratch.write("etc/default/grub.d/z.cfg", 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX net.ifnames=0"\n')
    assert "Including" not in scratch.efi("install")
    kernel = "vmlinuz root=UUID=1234-abcd ro"
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
        assert lines_of_cfg(scratch, "kernel")[0].startswith(f"vmlinuz {option} ")


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
    scratch.command("df", "echo header\necho x 1 1 20 1 x")
    out = scratch.efi("install", status=1)
    assert "has 0 MiB free" in out and "nothing was changed" in out and scratch.files() == []
    (scratch.root / "boot/xen-argon-arm64").unlink()
    assert "there is no Argon in" in scratch.efi("install", status=1)
    for words in ((), ("install", "--firts"), ("instal",), ("status", "--next")):
        assert "usage:" in scratch.efi(*words, status=1)
