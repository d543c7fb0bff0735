# SPDX-License-Identifier: MIT
"""Boots that cannot succeed stop with a message that says why; options that mean nothing are named."""

import gzip
import re
import subprocess

import pytest

import machine as machines


def last_words(run):
    """What the console says until the machine ends or has been silent for longer than Xen waits before a reboot."""
    said = ""
    while True:
        more = run.read_for(6)
        said += more
        if not more or len(said) > 100000:
            return said.replace("\r", "")


def refused(run, pattern):
    said = last_words(run)
    assert "Run /init" not in said
    assert re.search(pattern, said, re.IGNORECASE), f"no {pattern!r} in:\n{said}"
    return said


def test_no_kernel_module(make_machine):
    with make_machine(kernel=None, initrd=None) as run:
        refused(run, r"kernel.*module|module.*kernel")


def test_kernel_is_none(make_machine, tmp_path):
    junk = tmp_path / "junk"
    junk.write_bytes(b"not a kernel " * 10000)
    with make_machine(kernel=junk) as run:
        refused(run, r"dom0|domain 0|kernel")


def test_truncated_gzip_kernel(make_machine, tmp_path):
    junk = tmp_path / "short.gz"
    junk.write_bytes(gzip.compress((machines.IMAGES / "vmlinuz").read_bytes()[:4 << 20], 1)[:1 << 20])
    with make_machine(kernel=junk) as run:
        refused(run, r"dom0|domain 0|kernel|gzip|decompress")


def test_too_little_memory(make_machine):
    with make_machine(hypervisor_args="console=dtuart dom0_mem=16G bootscrub=0") as run:
        refused(run, r"dom0.*mem|mem.*dom0")


def test_noreboot(make_machine):
    """After a panic the machine starts over, but with noreboot it does not."""
    arguments = "console=dtuart dom0_mem=16G bootscrub=0"
    message = r"dom0.*mem|mem.*dom0"
    with make_machine("-noreboot", reboot=True, hypervisor_args=arguments + " noreboot") as run:
        said = refused(run, message)
        assert len(re.findall("panic", said, re.IGNORECASE)) <= 1, f"it started over in spite of noreboot:\n{said}"
    with make_machine("-reboot", reboot=True, hypervisor_args=arguments) as run:
        for _ in range(2):
            run.expect(f"(?i){message}", 40)


# What is wrong -> whether Xen says so too.
BAD_OPTIONS = {"frobnicate=7": False, "dom0_mem=plenty": True, "maxcpus=x": False, "bootscrub=perhaps": False,
               "dom0_max_vcpus=-": False, "loglvl=loud": False, "dom0_vcpus_pin=5x": False}


def test_bad_options_are_named(make_machine, on_xen):
    """Each option that is unknown or malformed gets a warning with its name, and boot goes on."""
    arguments = "console=dtuart dom0_mem=512M " + " ".join(BAD_OPTIONS)
    with make_machine(hypervisor_args=arguments) as run:
        run.expect("Booting Linux on physical CPU", machines.BOOT_TIMEOUT)
        said = run.log.read_text(encoding="utf-8", errors="replace").split("\n")[1:]
    warnings = [line for line in said if "frobnicate" not in line or "dom0_mem" not in line]
    for option, by_xen in BAD_OPTIONS.items():
        name = option.split("=", maxsplit=1)[0]
        if by_xen or not on_xen:
            assert any(re.search(rf"\b{name}\b", line) for line in warnings), \
                f"nothing names {name}:\n" + "\n".join(said)


def test_no_console(make_machine, tmp_path, on_xen):
    """A UART that is not there is named on the one that is; Xen is silent for ever."""
    if on_xen:
        pytest.skip("Xen says nothing")
    with make_machine(hypervisor_args="console=dtuart dtuart=/nonesuch dom0_mem=512M bootscrub=0") as run:
        run.expect("nonesuch", 30)


def test_malformed_tree(make_machine, tmp_path, on_xen):
    """Modules at addresses that are no memory are refused with a message; nothing else happens."""
    if on_xen:
        pytest.skip("Xen takes an exception")
    dtb = tmp_path / "bad.dtb"
    machines.dump_dtb(machines.Options(), dtb)
    subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dtb", "-p", "4096", "-o", dtb, dtb], check=True)
    node = "/chosen/module@0"
    for words in (["-t", "s", dtb, node, "compatible", "multiboot,kernel", "multiboot,module"],
                  ["-t", "x", dtb, node, "reg", "ffff", "fffff000", "ffff", "ffffffff"],
                  ["-t", "x", dtb, "/chosen", "#address-cells", "2"], ["-t", "x", dtb, "/chosen", "#size-cells", "2"],
                  ["-t", "s", dtb, "/chosen", "bootargs", "console=dtuart dom0_mem=512M"]):
        subprocess.run(["fdtput", "-p", *words], check=True)
    with make_machine(dtb=dtb) as run:
        refused(run, r"module")
