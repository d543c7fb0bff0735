# SPDX-License-Identifier: MIT
"""QEMU machines that count instructions, and what is run on them.

With -icount QEMU 7.2 runs the CPUs of a machine one after the other. A CPU's turn ends when it sleeps, waits with
YIELD or WFE, or interrupts another; but the first CPU, spinning without any of these, never ends it: at the next timer
the turns begin with it again. Xen spins so at boot, for an interrupt that the second CPU has not been run to take.
`Nudge` ends turns from outside by stopping and continuing the machine, which executes nothing in it.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import gdbstub

ROOT = Path(__file__).resolve().parents[1]
PAYLOAD = ROOT / "build/bench/bench.img"
LOGS = ROOT / "build/logs"
INSTRUCTIONS_PER_TICK = 16
TIMEOUT = 300
NUDGE_SECONDS = 0.05
# Argon's option errata=: "none" is not what some revision of a CPU costs; "" is what this CPU needs.
errata = "none"


class Machine(NamedTuple):
    """A machine whose hypervisor starts the payload as dom0."""

    hypervisor: Path
    label: str
    gic: int
    cpu: str = "cortex-a57"
    smp: int = 1
    memory: int = 1024
    vcpus: int = 2
    args: str = "none"

    def name(self):
        return f"bench-{self.label}-v{self.gic}-{self.args.replace('+', '-')}"

    def command(self):
        pin = " dom0_vcpus_pin" if self.smp > 1 else ""
        pin += f" errata={errata}" if errata and self.label == "argon" else ""
        return [*qemu(self.gic, self.cpu, self.smp, self.memory), "-kernel", str(self.hypervisor),
                "-append", f"console=dtuart dom0_mem=256M bootscrub=0 dom0_max_vcpus={self.vcpus}{pin}",
                "-device", f"guest-loader,addr=0x60000000,kernel={PAYLOAD},bootargs={self.args}"]


def qemu(gic, cpu, smp, memory):
    return ["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version={gic}",
            "-cpu", cpu, "-smp", str(smp), "-m", str(memory),
            "-icount", "shift=0,sleep=off", "-nographic", "-no-reboot", "-net", "none"]


class Nudge:
    """Ends the running CPU's turn, through QEMU's monitor."""

    def __init__(self, path):
        self.socket, self.path = None, path

    def __call__(self):
        try:
            if self.socket is None:
                monitor = socket.socket(socket.AF_UNIX)
                monitor.connect(self.path)
                monitor.setblocking(False)
                self.socket = monitor
            self.socket.sendall(b"stop\ncont\n")
            while self.socket.recv(65536):
                pass
        except OSError:
            pass  # nothing to read, or QEMU is not there yet or any more

    def close(self):
        if self.socket is not None:
            self.socket.close()


def wait(process, nudge=None):
    """Until QEMU ends; False where that takes too long."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            process.wait(NUDGE_SECONDS if nudge else TIMEOUT)
            return True
        except subprocess.TimeoutExpired:
            if nudge:
                nudge()
    process.kill()
    return False


def run_qemu(command, name, nudged=False):
    """Output of one machine; says what went wrong in it."""
    log = LOGS / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, open(log, "wb") as output:
        path = f"{folder}/monitor"
        extra = ["-serial", "stdio", "-monitor", f"unix:{path},server=on,wait=off"] if nudged else []
        with subprocess.Popen([*command, *extra], stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT) as process:
            nudge = Nudge(path) if nudged else None
            wait(process, nudge)
            if nudge:
                nudge.close()
    text = log.read_text(errors="replace").replace("\r", "")
    for failure in re.findall(r"FAIL .*", text):
        print(f"{name}: {failure.strip()}", file=sys.stderr)
    if "bench done" not in text:
        print(f"{name}: did not finish, log {log}", file=sys.stderr)
    return text


def figures(text):
    return {row: int(value) for row, value in re.findall(r"bench (\w+) (\d+)", text)}


def boot_time(command, entry, cntvct):
    """Instructions from reset to `entry`, where the payload read `cntvct`. The same machine again, under a debugger."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/gdb"
        with subprocess.Popen([*command, "-S", "-gdb", f"unix:{path},server=on,wait=off"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                stub = gdbstub.Stub(path)
                stub.run_to(entry)
                return (cntvct + stub.register("CNTVOFF_EL2")) * INSTRUCTIONS_PER_TICK
            finally:
                process.kill()


def measure(machine, boot=False):
    """Instructions by row name; rows that were not reached are missing."""
    text = run_qemu(machine.command(), machine.name(), machine.smp > 1)
    results = figures(text)
    entry = re.search(r"entry: pc (\w+) cntvct (\d+)", text)
    if boot and entry:
        results["boot"] = boot_time(machine.command(), int(entry[1], 16), int(entry[2]))
    return results


def free_memory_mib():
    pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    try:
        found = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"))
        return int(found[1]) >> 10 if found else pages
    except OSError:
        return pages
