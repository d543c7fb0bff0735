#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Show Argon at work: Debian's dom0 with Debian's Xen tools, and a Debian guest, in QEMU.

At a terminal it ends at dom0's console with the guest running. Without one it checks the guest, prints a summary and
exits 0, or otherwise with the reason and the place of the console log.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
DOM0_ADDRESS, GUEST_ADDRESS = "10.128.0.1", "10.128.0.2"
GUEST_UP = "guest: demo is up"
STEPS = 7


class DemoError(Exception):
    """A step failed; the message says why."""


class Progress:
    """A line a step, with the time it took."""

    def __init__(self):
        self.number = 0
        self.begun = self.start = time.monotonic()

    def step(self, text):
        self.done()
        self.number += 1
        self.begun = time.monotonic()
        print(f"[{self.number}/{STEPS}] {text} ...", flush=True)

    def done(self, result=None):
        if self.number and self.begun is not None:
            print(f"      {result or 'done'} ({time.monotonic() - self.begun:.1f} s)", flush=True)
        self.begun = None

    def total(self):
        return time.monotonic() - self.start


def run_script(what, *command):
    """Run a script of ours with its output shown, indented."""
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            print("      " + line.rstrip(), flush=True)
    if process.returncode:
        raise DemoError(f"{what} failed; its output is above")


def prepare(progress, arguments):
    """Everything up to having something to boot; returns the hypervisor's image."""
    progress.step("Debian packages this needs")
    run_script("installing packages", "scripts/setup.sh")
    hypervisor = arguments.hypervisor
    if hypervisor is None:
        progress.step("building Argon")
        run_script("the build", "make", "--no-print-directory", f"-j{os.cpu_count()}")
        hypervisor = TOP / "build" / "argon-arm64"
    else:
        progress.step(f"using {hypervisor} instead of building Argon")
    progress.step("dom0 and guest from Debian's arm64 packages")
    run_script("making the images", "scripts/images/build.sh")
    if not hypervisor.exists():
        raise DemoError(f"there is no {hypervisor}")
    progress.done(f"{hypervisor.name} is {hypervisor.stat().st_size // 1024} KiB")
    return hypervisor


def boot(progress, dom0, prompt):
    """Wait for dom0's shell, with a sign of life for each stage of the boot."""
    progress.step("booting QEMU: hypervisor and dom0")
    stages = ["Booting Linux on physical CPU", "Run /init as init process", "xenstored runs", "dom0: up after"]
    for stage in stages:
        dom0.expect([re.escape(stage)], 120)
        print(f"      {time.monotonic() - progress.begun:5.1f} s: {stage}", flush=True)
    dom0.expect_text(prompt, 60)
    dom0.boot_quiet()
    version = dict(re.findall(r"^(\S+) *: (.*?) *$", dom0.run("xl info"), re.MULTILINE))
    progress.done(f"xl speaks to Xen {version['xen_version']} ABI, {version['free_memory']} of "
                  f"{version['total_memory']} MiB free")


def start_guest(progress, dom0):
    progress.step("xl create /guest/demo.cfg")
    dom0.run("dd if=/dev/urandom of=/guest/demo.img bs=1M count=8 2>/dev/null")
    dom0.run("xl create -q /guest/demo.cfg", 180)
    log = "/var/log/xen/console/guest-demo.log"
    dom0.run(f"timeout 120 sh -c 'until grep -q \"{GUEST_UP}\" {log}; do sleep 0.3; done'",
             150)
    said = dom0.run(f"grep '{GUEST_UP}' {log} | tail -n 1")
    progress.done(said.strip())


def check_guest(progress, dom0, console):
    progress.step("the guest's console, disk and network")
    digest = dom0.run("sha256sum </guest/demo.img").split()[0]
    with console(dom0, "demo") as guest:
        kernel = guest.run("uname -r").strip()
        seen = guest.run("sha256sum </dev/xvda").split()[0]
    if seen != digest:
        raise DemoError(f"the guest reads another disk than dom0 wrote: {seen}, not {digest}")
    print(f"      console: Debian's kernel {kernel} answers", flush=True)
    print("      disk: 8 MiB read with the same SHA-256 as in dom0", flush=True)
    replies = dom0.run(f"ping -c 3 -W 5 {GUEST_ADDRESS}")
    received = re.search(r"(\d+) packets received", replies)
    if not received or received.group(1) == "0":
        raise DemoError(f"the guest does not answer ping from dom0:\n{replies}")
    print(f"      network: {received.group(1)} of 3 pings answered through the bridge", flush=True)
    listing = dom0.run("xl list")
    progress.done()
    print("\n" + listing + "\n", flush=True)


def hand_over(progress, dom0):
    progress.step("yours")
    dom0.run("set -o emacs; true")
    print(f"""
  This is dom0's console, and the guest "demo" runs.
    the guest's console:  xl console demo     (ctrl-] comes back)
    other commands:       xl list, xl info, xl dmesg, xl vcpu-list, xl top (q leaves), xl shutdown demo
    the hypervisor's own: ctrl-a six times (QEMU keeps every other), then h; the same again comes back
    leave QEMU:           ctrl-a x
  Console log: {dom0.log}
""", flush=True)
    progress.begun = None
    dom0.child.logfile_read.flush()
    dom0.send_raw("\r")
    dom0.child.interact(escape_character=None)


def demonstrate(arguments):
    progress = Progress()
    hypervisor = prepare(progress, arguments)
    sys.path.insert(0, str(TOP / "tests" / "system"))
    # Only now is pexpect sure to be there.
    import guests
    import machine
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and not arguments.batch
    options = machine.Options(hypervisor=hypervisor, interactive=interactive)
    try:
        with machine.Machine(options, "demo") as dom0:
            print(f"      console log: {dom0.log}", flush=True)
            boot(progress, dom0, machine.PROMPT)
            start_guest(progress, dom0)
            check_guest(progress, dom0, guests.Console)
            if interactive:
                hand_over(progress, dom0)
                return
            progress.step("shutting down guest and machine")
            dom0.run("xl shutdown -w demo", 120)
            dom0.send("poweroff")
            dom0.send_raw("\r")
            dom0.wait_end()
            progress.done()
    except AssertionError as error:
        raise DemoError(str(error)) from None
    print(f"Demo passed in {progress.total():.0f} s: dom0 and a Debian guest with console, disk and network ran on "
          f"{hypervisor.name}.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hypervisor", type=pathlib.Path, help="boot this image instead of building Argon "
                        "(build/images/xen-4.17-arm64 to compare)")
    parser.add_argument("--batch", action="store_true", help="run to the end even at a terminal")
    arguments = parser.parse_args()
    if arguments.hypervisor:
        arguments.hypervisor = arguments.hypervisor.resolve()
    try:
        demonstrate(arguments)
    except DemoError as error:
        log = TOP / "build" / "logs" / "demo.log"
        print(f"\nDemo failed: {error}", file=sys.stderr)
        if log.exists():
            print(f"Console log: {log}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
