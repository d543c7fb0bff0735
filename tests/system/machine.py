# SPDX-License-Identifier: MIT
"""A QEMU machine that boots a hypervisor with a dom0, its console, and its end.

Paths are those of the checkout this file is in; all that is generated goes below build/.
"""

import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pexpect

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", TOP / "build"))
IMAGES = BUILD / "images"
LOGS = BUILD / "logs"
ARGON = BUILD / "argon-arm64"
XEN = IMAGES / "xen-4.17-arm64"

sys.path.insert(0, str(TOP / "scripts" / "images"))
import mkinitramfs  # noqa: E402 (found through the path just added)

AAVMF = pathlib.Path("/usr/share/AAVMF")

QEMU = "qemu-system-aarch64"
KERNEL_ADDRESS = 0x78000000
INITRD_ADDRESS = 0x7A000000
PROMPT = "dom0# "

# Longest that each step may take before it counts as hung. Generous: hosts are slow, and emulation slower.
BOOT_TIMEOUT = 120
COMMAND_TIMEOUT = 60


class Hung(AssertionError):
    """Something expected on the console did not come in time, or QEMU ended instead."""


class CommandFailed(AssertionError):
    """A command in dom0 or a guest ended with another status than 0."""


PLAIN_DOM0 = "console=hvc0"


@dataclasses.dataclass
class Options:
    """What to boot and on what machine; the defaults are the machine most tests use."""

    hypervisor: pathlib.Path = ARGON
    gic: int = 3
    cpu: str = "cortex-a57"
    smp: int = 2
    memory: int = 2048
    machine: str = ""
    # Has the machine a hypervisor's exception level?
    el2: bool = True
    # Under UEFI: does it describe the machine by ACPI's tables, or by a device tree?
    acpi: bool = False
    # A host thread for each CPU; None chooses by the number of the host's.
    threads: bool | None = None
    hypervisor_args: str = "console=dtuart dom0_mem=768M bootscrub=0"
    # With KASLR Linux has page tables of its own for the kernel, and QEMU forgets addresses at each change between
    # them; with ASLR it translates each program anew at each start. These two save a third of all time. PLAIN_DOM0 is
    # without.
    dom0_args: str = "console=hvc0 kpti=0 norandmaps"
    kernel: pathlib.Path | None = IMAGES / "vmlinuz"
    initrd: pathlib.Path | None = IMAGES / "dom0.cpio"
    # Files for dom0 beyond those of its image: path in dom0 -> contents.
    files: dict = dataclasses.field(default_factory=dict)
    # More arguments for QEMU.
    extra: list = dataclasses.field(default_factory=list)
    # Where given: this device tree, and these (file, address) loaded, instead of guest-loader and -append.
    dtb: pathlib.Path | None = None
    load: list | None = None
    # Where given: firmware that the machine starts, and that finds by itself what to boot.
    firmware: pathlib.Path | None = None
    # Where given: a folder. Its files are a disk, and Debian's UEFI for QEMU starts what it finds there.
    uefi: pathlib.Path | None = None
    # The keys that UEFI trusts: "" for none (no Secure Boot), "snakeoil" for those of Debian's package.
    uefi_keys: str = ""
    # Where given: UEFI, as (code, file that keeps its variables); it finds on the disks what to boot.
    flash: tuple | None = None
    network: bool = False
    reboot: bool = False
    # For a user at a terminal rather than a test.
    interactive: bool = False


def base_arguments(options):
    """QEMU's arguments that make the machine, without what it boots."""
    machine = f"virt,virtualization={'on' if options.el2 else 'off'},gic-version={options.gic}"
    if options.uefi is not None:
        machine += f",acpi={'on' if options.acpi else 'off'}"
    if options.machine:
        machine += "," + options.machine
    out = ["-M", machine, "-cpu", options.cpu, "-smp", str(options.smp), "-m", str(options.memory),
           "-display", "none"]
    # More CPUs than the host has spend their time waiting for each other's threads: six times slower.
    if options.threads is None:
        threads = options.smp <= (os.cpu_count() or 1)
    else:
        threads = options.threads
    out += ["-accel", f"tcg,thread={'multi' if threads else 'single'}"]
    if options.interactive:
        # One terminal for console and monitor; ctrl-a x leaves.
        out += ["-serial", "mon:stdio"]
    else:
        out += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console", "-monitor", "none"]
    if options.firmware is not None:
        # Here, not with what is booted: QEMU makes another device tree where there is firmware.
        out += ["-bios", str(options.firmware)]
    if options.uefi is not None:
        variables = AAVMF / f"AAVMF_VARS{'.' * bool(options.uefi_keys)}{options.uefi_keys}.fd"
        out += ["-drive", f"if=pflash,format=raw,readonly=on,file={AAVMF / 'AAVMF_CODE.fd'}",
                "-drive", f"if=pflash,format=raw,snapshot=on,file={variables}",
                "-drive", f"if=none,id=uefi,format=raw,readonly=on,file=fat:{options.uefi}",
                "-device", "virtio-blk-device,drive=uefi,bootindex=1"]
    for file, mode in zip(options.flash or (), ("on", "off")):
        out += ["-drive", f"if=pflash,format=raw,file={file},readonly={mode}"]
    out += options.extra
    if not options.network:
        out += ["-net", "none"]
    if not options.reboot:
        out.append("-no-reboot")
    return out


def boot_arguments(options, initrd):
    if options.firmware is not None or options.uefi is not None or options.flash is not None:
        return []
    out = ["-kernel", str(options.hypervisor)]
    if options.dtb is not None:
        out += ["-dtb", str(options.dtb)]
        for file, address in options.load or []:
            out += ["-device", f"loader,file={file},addr={address:#x},force-raw=on"]
        return out
    out += ["-append", options.hypervisor_args]
    if options.kernel is not None:
        # QEMU reads a comma within an option's value as two commas.
        bootargs = options.dom0_args.replace(",", ",,")
        out += ["-device", f"guest-loader,addr={KERNEL_ADDRESS:#x},kernel={options.kernel},bootargs={bootargs}"]
    if initrd is not None:
        out += ["-device", f"guest-loader,addr={INITRD_ADDRESS:#x},initrd={initrd}"]
    return out


def dump_dtb(options, path):
    """Write the device tree QEMU makes for this machine, before anything is added for what it boots."""
    arguments = base_arguments(options)
    arguments[1] += f",dumpdtb={path}"
    subprocess.run([QEMU, *arguments], check=True, capture_output=True, timeout=30)


def make_cpio(files, path):
    """An initramfs of the given files (path -> contents), to put after dom0's own."""
    tree = mkinitramfs.Tree(None)
    for name, data in files.items():
        tree.add(name, 0o100755, data if isinstance(data, bytes) else data.encode())
    mkinitramfs.write_cpio(tree.entries, str(path))


class Log:
    """The console's log: what came, without carriage returns."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8", errors="replace")

    def write(self, text):
        # pexpect's interact() hands over what it read as it came.
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        self.file.write(text.replace("\r", ""))

    def flush(self):
        self.file.flush()

    def close(self):
        self.file.close()


class Machine:
    """One run of QEMU. Use as a context manager; the console's log is at .log whatever happens."""

    def __init__(self, options, name):
        self.options = options
        self.log = LOGS / f"{name}.log"
        self.child = None
        self.log_file = None
        self.count = 0
        # Set while a command is under way, so that the next one knows whether this one came to its end.
        self.busy = False
        self.initrd = self.make_initrd(name)

    def make_initrd(self, name):
        if not self.options.files or self.options.initrd is None:
            return self.options.initrd
        out = BUILD / "tests" / "system" / f"{name}.cpio"
        out.parent.mkdir(parents=True, exist_ok=True)
        make_cpio(self.options.files, out)
        out.write_bytes(self.options.initrd.read_bytes() + out.read_bytes())
        return out

    def __enter__(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log_file = Log(self.log)
        self.spawn()
        return self

    def spawn(self):
        """Start QEMU; again, where it has ended."""
        arguments = base_arguments(self.options) + boot_arguments(self.options, self.initrd)
        self.log_file.write(f"+ {QEMU} {' '.join(arguments)}\n")
        self.child = pexpect.spawn(QEMU, arguments, encoding="utf-8", codec_errors="replace",
                                   timeout=COMMAND_TIMEOUT, echo=False, dimensions=(50, 500))
        self.child.logfile_read = self.log_file
        self.child.delaybeforesend = None
        self.busy = False

    def __exit__(self, *_):
        # Not close(force=True): that gives a process of a busy host a moment only to die.
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()
        self.log_file.close()
        if self.initrd != self.options.initrd:
            self.initrd.unlink()

    # The console

    def expect(self, patterns, timeout=COMMAND_TIMEOUT):
        """Wait for one of the regular expressions; returns the match."""
        try:
            self.child.expect(patterns, timeout=timeout)
        except pexpect.TIMEOUT:
            raise Hung(f"no {patterns!r} within {timeout} s; console log: {self.log}") from None
        except pexpect.EOF:
            raise Hung(f"QEMU ended before {patterns!r} was seen; console log: {self.log}") from None
        return self.child.match

    def expect_text(self, text, timeout=COMMAND_TIMEOUT):
        return self.expect(re.escape(text), timeout)

    def send(self, text):
        """Type on the console, no faster than a UART with a small FIFO can take: each piece waits for its echo."""
        for piece in re.findall(r"[^\n]{1,32}|\n", text):
            self.child.send("\r" if piece == "\n" else piece)
            try:
                # Output of others may come between; what was typed is then taken as received after a moment.
                self.child.expect_exact(piece, timeout=3)
            except pexpect.TIMEOUT:
                pass

    def send_raw(self, text):
        self.child.send(text)

    def read_for(self, seconds):
        """What the console says within a time, and has said since what was expected last."""
        end = time.monotonic() + seconds
        out = ""
        while time.monotonic() < end:
            try:
                # By expect(): the one before this may have read more than it was for, and only this gives it.
                self.child.expect(r".+", timeout=max(0.05, end - time.monotonic()))
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
            out += self.child.after
        return out

    def boot(self, timeout=BOOT_TIMEOUT):
        """Wait for dom0's shell and make it quiet enough to be driven."""
        found = self.expect([re.escape(PROMPT), r"end Kernel panic"], timeout)
        if "panic" in found.group(0):
            raise Hung(f"dom0's kernel panicked; console log: {self.log}")
        return self.boot_quiet()

    def boot_quiet(self):
        """At dom0's first prompt: no line editing, which would redraw what is typed."""
        self.send("set +o emacs")
        self.child.send("\r")
        self.expect_text(PROMPT)
        self.run("true")
        return self

    def run(self, command, timeout=COMMAND_TIMEOUT, check=True):
        """Run a command in dom0's shell; returns its output, without lines of the hypervisor's own."""
        status, output = self.run_status(command, timeout)
        if check and status != 0:
            raise CommandFailed(f"dom0: {command!r} ended with {status}:\n{output}\nconsole log: {self.log}")
        return output

    def recover(self):
        """After a command that hung: back to dom0's prompt, by way out of xl console if need be, or give up at once."""
        self.child.send("\x1d\x03\r")
        self.expect_text(PROMPT, 10)
        self.read_for(1)

    def run_raw(self, command, timeout=COMMAND_TIMEOUT):
        """Run a command; returns all that the console said meanwhile."""
        return self.finish(command, timeout)[1]

    def run_status(self, command, timeout=COMMAND_TIMEOUT):
        status, output = self.finish(command, timeout)
        lines = [line for line in output.split("\n") if not re.match(r"\((XEN|ARGON)\) ", line, re.IGNORECASE)]
        return status, "\n".join(lines).strip("\n")

    def finish(self, command, timeout):
        if self.busy:
            self.recover()
        self.busy = True
        self.count += 1
        self.send(f'{command}; echo "=end" {self.count}:$?=')
        self.child.send("\r")
        match = self.expect(rf"=end {self.count}:(\d+)=\r*\n", timeout)
        output = self.child.before.replace("\r", "")
        self.expect_text(PROMPT)
        self.busy = False
        return int(match.group(1)), output

    def hypervisor_log(self):
        """The hypervisor's own log, by xl dmesg; its lines without the prefix they have."""
        out = self.run("xl dmesg | sed 's/^/|/'").split("\n")
        return "\n".join(re.sub(r"^\((XEN|ARGON)\) ", "", line[1:], flags=re.IGNORECASE) for line in out)

    def write_file(self, path, text):
        """Make a text file in dom0 by way of its console."""
        self.run(f"cat >{path} <<'=eof='\n{text.rstrip()}\n=eof=\ntrue")

    def wait_end(self, timeout=COMMAND_TIMEOUT):
        """Wait until QEMU ends by itself; returns its exit status."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout)
        except pexpect.TIMEOUT:
            raise Hung(f"the machine did not go off within {timeout} s; console log: {self.log}") from None
        self.child.close()
        return self.child.exitstatus
