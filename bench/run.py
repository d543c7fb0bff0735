#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the microbenchmark on Argon and on Debian's Xen, print one table a GIC version, write build/bench/results.json.

Instruction counts come from QEMU's -icount shift=0 and repeat exactly; one run takes seconds.
Exit status: 0 if every row was measured, and with --goals only if Argon meets each goal.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import gdbstub
from rows import ROWS

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAYLOAD = ROOT / "build/bench/bench.img"
TIMEOUT = 180
INSTRUCTIONS_PER_TICK = 16


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def compiler_of(image):
    text = output_of("readelf", "-p", ".comment", f"{image}.elf")
    found = re.findall(r"\]\s+(.*)", text)
    return found[0] if found else "unknown"


def qemu_command(hypervisor, gic, cpu, memory=1024, args="none"):
    return ["qemu-system-aarch64", "-M", f"virt,virtualization=on,gic-version={gic}", "-cpu", cpu, "-smp", "1", "-m", str(memory),
            "-icount", "shift=0,sleep=off", "-kernel", str(hypervisor),
            "-append", "console=dtuart dom0_mem=256M bootscrub=0 dom0_max_vcpus=2",
            "-device", f"guest-loader,addr=0x60000000,kernel={PAYLOAD},bootargs={args}", "-nographic", "-no-reboot", "-net", "none"]


def boot_time(command, entry, cntvct):
    """Instructions from reset to `entry`, where the payload read `cntvct`. The same machine again, stopped there by a debugger."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/gdb"
        with subprocess.Popen([*command, "-S", "-gdb", f"unix:{path},server=on,wait=off"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as qemu:
            try:
                stub = gdbstub.Stub(path)
                stub.run_to(entry)
                return (cntvct + stub.register("CNTVOFF_EL2")) * INSTRUCTIONS_PER_TICK
            finally:
                qemu.kill()


def run(command, name, log):
    """Output of one machine; says what went wrong in it."""
    try:
        text = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False).stdout
    except subprocess.TimeoutExpired as late:
        text = late.stdout or b""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(text)
    text = text.decode(errors="replace")
    for failure in re.findall(r"FAIL .*", text):
        print(f"{name}: {failure.strip()}", file=sys.stderr)
    if "bench done" not in text:
        print(f"{name}: did not finish, log {log}", file=sys.stderr)
    return text


def measure(hypervisor, gic, cpu, label):
    """Instructions by row name; rows that were not reached are missing."""
    name = f"{label} GICv{gic}"
    command = qemu_command(hypervisor, gic, cpu)
    text = run(command, name, ROOT / f"build/logs/bench-{label}-v{gic}.log")
    results = {row: int(value) for row, value in re.findall(r"bench (\w+) (\d+)", text)}
    entry = re.search(r"entry: pc (\w+) cntvct (\d+)", text)
    if entry:
        results["boot"] = boot_time(command, int(entry[1], 16), int(entry[2]))
    text = run(qemu_command(hypervisor, gic, cpu, 10240, "guest=8192"), name, ROOT / f"build/logs/bench-{label}-v{gic}-8g.log")
    results.update({f"{row}_8g": int(value) for row, value in re.findall(r"bench (domain_\w+) (\d+)", text)})
    return results


def number(value):
    if value is None:
        return "-"
    return f"{value / 1e6:.1f} M" if value >= 1000000 else str(value)


def table(results):
    lines = [f"{'operation':44} {'Argon':>9} {'Xen 4.17':>9} {'goal':>9} {'ratio':>7} {'KVM nVHE*':>10} {'KVM VHE*':>9}"]
    for row in ROWS:
        argon, xen = results["argon"].get(row.id), results["xen"].get(row.id)
        ratio = f"{xen / argon:.1f}x" if argon and xen else "-"
        mark = " !" if argon is None or (row.goal and argon > row.goal) else ""
        lines.append(f"{row.text:44} {number(argon):>9} {number(xen):>9} {number(row.goal):>9} {ratio:>7} "
                     f"{number(row.kvm_nvhe):>10} {number(row.kvm_vhe):>9}{mark}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--argon", type=pathlib.Path, default=ROOT / "build/argon-arm64")
    parser.add_argument("--xen", type=pathlib.Path, default=ROOT / "build/images/xen-4.17-arm64")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--gic", type=int, action="append", choices=(2, 3), help="default: both")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/results.json")
    parser.add_argument("--goals", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args()
    for needed, how in ((options.argon, "make"), (options.xen, "scripts/images/build.sh"), (PAYLOAD, "make -C bench")):
        if not needed.exists():
            sys.exit(f"{needed} is missing: {how} makes it")
    everything = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cpu": options.cpu,
                  "commit": output_of("git", "describe", "--always", "--dirty"), "compiler": compiler_of(options.argon),
                  "qemu": output_of("qemu-system-aarch64", "--version").split("\n", maxsplit=1)[0], "unit": "instructions", "gic": {}}
    complete = met = True
    for gic in options.gic or (3, 2):
        results = {name: measure(image, gic, options.cpu, name)
                   for name, image in (("argon", options.argon), ("xen", options.xen))}
        everything["gic"][f"v{gic}"] = results
        print(f"\nGICv{gic}, {options.cpu}, instructions an operation, guest and hypervisor together\n{table(results)}", flush=True)
        complete = complete and all(row.id in results[name] for name in results for row in ROWS)
        met = met and all(results["argon"].get(row.id, 1 << 60) <= row.goal for row in ROWS if row.goal)
    print("\n! goal missed.  * KVM: figures of the baseline for reference, GICv3; it is not run here.")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(everything, indent=2) + "\n")
    print(f"written to {options.json}")
    return 0 if complete and (met or not options.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
