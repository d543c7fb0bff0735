#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Start a bare payload as dom0 of a hypervisor under QEMU and collect its report.

As a program: runner.py [--hypervisor H] [--gic 2|3] [--smp N] [--cpu MODEL] [--args BOOTARGS] [--image PAYLOAD]
"""
import argparse
import pathlib
import re
import select
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build/tests/guest/checks.img"
LOGS = ROOT / "build/logs"
CLOSING = re.compile(r"(\d+) passed, (\d+) failed")
FAILURE = re.compile(r"FAIL (\S+): (.*)")

common_options = ""              # of every machine; its own come later, and the last of several counts


class Report:
    """What one run said. exited is QEMU's return code, or None if it had to be stopped."""

    def __init__(self, text, exited, log):
        self.text, self.exited, self.log = text, exited, log
        self.passed = re.findall(r"\bok (\S+)", text)
        self.failures = dict(FAILURE.findall(text))
        closing = CLOSING.search(text)
        self.closing = (int(closing[1]), int(closing[2])) if closing else None

    def last_test(self):
        names = re.findall(r"# (\w+\.[\w-]+)$", self.text, re.M)
        return names[-1] if names else "none"


def qemu_command(hypervisor, image, gic=3, smp=1, cpu="cortex-a57", memory=1024,
                 args="", options="", dom0_mem=256, extra=()):
    options = f"console=dtuart dom0_mem={dom0_mem}M bootscrub=0 {common_options} {options}"
    return ["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version={gic}",
            "-cpu", cpu, "-smp", str(smp), "-m", str(memory),
            "-kernel", str(hypervisor), "-append", options,
            "-device", f"guest-loader,addr=0x60000000,kernel={image},bootargs={args or 'none'}",
            "-nographic", "-no-reboot", "-net", "none", *extra]


def run(name, hypervisor, image=IMAGE, timeout=120, until=None, **machine):
    """timeout is seconds without a new line of output; four times that is the limit for the whole run.

    until: the text that ends the run, where the machine is not to end by itself.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"guest-{name}.log"
    start = last = time.monotonic()
    output = b""
    with subprocess.Popen(qemu_command(hypervisor, image, **machine), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as qemu, open(log, "wb") as file:
        fd = qemu.stdout.fileno()
        while True:
            ready, _, _ = select.select([fd], [], [], 1)
            chunk = qemu.stdout.read1(65536) if ready else None
            if chunk == b"":
                break
            if chunk:
                output += chunk
                file.write(chunk)
                last = time.monotonic()
            said = until and until.encode() in output
            if said or time.monotonic() - last > timeout or time.monotonic() - start > 4 * timeout:
                qemu.kill()
                qemu.wait()
                return Report(output.decode(errors="replace").replace("\r", ""), None, log)
        code = qemu.wait()
    return Report(output.decode(errors="replace").replace("\r", ""), code, log)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hypervisor", default=ROOT / "build/argon-arm64")
    parser.add_argument("--image", default=IMAGE)
    parser.add_argument("--gic", type=int, default=3)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--args", default="")
    parser.add_argument("--options", default="", help="for the hypervisor's command line")
    parser.add_argument("--timeout", type=int, default=30)
    parser.add_argument("--all", action="store_true", help="print all of the output")
    a = parser.parse_args()
    report = run("manual", a.hypervisor, a.image, a.timeout, gic=a.gic, smp=a.smp, cpu=a.cpu, args=a.args,
                 options=a.options)
    lines = report.text.splitlines()
    if not a.all:
        lines = [x for x in lines if re.search(r"FAIL|# |passed,", x) and not re.search(r"# \w+\.[\w-]+$", x)]
    print("\n".join(lines))
    if report.closing is None:
        print(f"no closing line; last test {report.last_test()}; last lines:")
        print("\n".join(report.text.splitlines()[-25:]))
    print(f"exit {report.exited}, log {report.log}")
    return 0 if report.closing and report.closing[1] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
