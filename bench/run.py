#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the microbenchmark on Argon, on Debian's Xen and on KVM in Debian's kernel. Tables; build/bench/results.json.

Instruction counts come from QEMU's -icount shift=0 and repeat: see docs/performance.md. Exit status: 0 if every row was
measured, and with --goals only if Argon meets each goal.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import kinds
import kvm
import qemu
import report
from qemu import PAYLOAD, ROOT, Machine, free_memory_mib, measure
from rows import HYPERVISORS, LOADS, ROWS, SCALING_ROWS, large_guest

DOCS = ROOT / "docs/performance.md"
CHART = ROOT / "docs/performance.svg"
LARGE_GIB = 8
SPARE_MIB = 3072  # of this machine's memory beside what the largest guest needs


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def compiler_of(image):
    """What the debug information says the hypervisor was compiled with."""
    try:
        found = re.search(rb"GNU C\d+ [\d.]+|[^\0]*clang version [^\0]+", pathlib.Path(f"{image}.elf").read_bytes())
    except OSError:
        found = None
    return found[0].decode() if found else "unknown"


def kernel_version():
    kernel = kvm.KERNEL.read_bytes() if kvm.KERNEL.exists() else b""
    found = re.search(rb"Linux version (\S+) [^\n]*SMP[^\n]* Debian (\S+)", kernel)
    return f"Linux {found[1].decode()} (Debian {found[2].decode()})" if found else "unknown"


def about(options):
    """What the figures belong to."""
    return {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": output_of("git", "describe", "--always", "--dirty"), "compiler": compiler_of(options.argon),
            "cpu": options.cpu, "kvm_cpus": kvm.CPUS, "kvm_kernel": kernel_version(),
            "qemu": output_of("qemu-system-aarch64", "--version").split("\n", maxsplit=1)[0], "unit": "instructions"}


def measure_one(image, label, gic, cpu):
    """All rows of one hypervisor: on one physical CPU, on two, and with a large guest."""
    say(f"{HYPERVISORS[label]}, GICv{gic}")
    results = measure(Machine(image, label, gic, cpu), boot=True)
    results.update(measure(Machine(image, label, gic, cpu, smp=2, args="pcpus")))
    large = measure(Machine(image, label, gic, cpu, memory=10240, args=f"large+guest={LARGE_GIB << 20}"))
    results.update({f"{row}_{LARGE_GIB}g": value for row, value in large.items() if row.startswith("domain_")})
    return results


def measure_main(options, gic, version):
    results = {label: measure_one(image, label, gic, options.cpu) for label, image in images(options)}
    if options.kvm:
        say(f"KVM, GICv{gic} (a minute or two, unless the last results are still good)")
        results.update(kvm.measure(gic, version))
    return results


def measure_kinds(options, gic):
    """What the hypervisors execute by kind, on one physical CPU."""
    say(f"by kind of instruction, GICv{gic}")
    return {label: kinds.measure(Machine(image, label, gic, options.cpu)) for label, image in images(options)}


def images(options):
    return (("argon", options.argon), ("xen", options.xen))


def loads_that_fit(options):
    """16 GiB of guest where this machine has the memory: a hypervisor clears what it hands out."""
    fitting = [gib for gib in (16, 8, 4) if (gib << 10) + SPARE_MIB <= free_memory_mib() and gib <= options.guest]
    return LOADS + [large_guest(gib) for gib in fitting[:1]]


def measure_scaling(options, gic, loads):
    results = {}
    for load in loads:
        say(f"scaling, GICv{gic}: {load.text}")
        results[load.id] = {}
        for label, image in images(options):
            machine = Machine(image, label, gic, options.cpu, 1, load.memory, load.vcpus, load.args)
            results[load.id][label] = measure(machine, boot=True)
    return results


def measure_all(options):
    results = {**about(options), "gic": {}, "kinds": {}, "scaling": {}, "loads": {}}
    loads = loads_that_fit(options) if options.scaling else []
    for load in loads:
        results["loads"][load.id] = load._asdict()
    for gic in options.gic:
        results["gic"][f"v{gic}"] = measure_main(options, gic, results["qemu"])
        if options.kinds:
            results["kinds"][f"v{gic}"] = measure_kinds(options, gic)
        if loads:
            results["scaling"][f"v{gic}"] = measure_scaling(options, gic, loads)
    return results


def loads_of(results):
    """The loads as recorded, with their texts as attributes."""
    return [argparse.Namespace(**load) for load in results["loads"].values()]


def print_tables(results):
    for gic, rows in results["gic"].items():
        print(f"\nGIC{gic}, {results['cpu']}, instructions an operation, guest and hypervisor together (! goal missed)")
        print(report.as_text(report.main_cells(rows)))
        if gic in results["kinds"]:
            print(f"\nGIC{gic}: what the hypervisor executes by kind, Argon/Xen an operation")
            print(report.as_text(kinds.cells(results["kinds"][gic])))
        if gic in results["scaling"]:
            print(f"\nGIC{gic}: the same with more of one thing")
            print(report.as_text(report.scaling_cells(results["scaling"][gic], loads_of(results))))


def provenance(results):
    return (f"Measured {results['date'][:10]} at commit {results['commit']}: {results['compiler']}; {results['qemu']}; "
            f"`-cpu {results['cpu']}`; KVM of {results['kvm_kernel']}.")


def update_docs(results):
    text = DOCS.read_text(encoding="utf-8")
    text = report.replace_between(text, "provenance", provenance(results))
    for gic, rows in results["gic"].items():
        text = report.replace_between(text, f"table {gic}", report.as_markdown(report.main_cells(rows)))
    for gic, rows in results["kinds"].items():
        text = report.replace_between(text, f"kinds {gic}", report.as_markdown(kinds.cells(rows)))
    for gic, rows in results["scaling"].items():
        table = report.as_markdown(report.scaling_cells(rows, loads_of(results)))
        text = report.replace_between(text, f"scaling {gic}", table)
    DOCS.write_text(text, encoding="utf-8")
    first = next(iter(results["gic"]))
    chart = report.chart(results["gic"][first], f"Instructions an operation, GIC{first} (logarithmic)")
    CHART.write_text(chart, encoding="utf-8")
    print(f"written to {DOCS} and {CHART}")


def is_complete(results, options):
    wanted = {label: [row.id for row in ROWS if row.kvm or not label.startswith("kvm")]
              for label in HYPERVISORS if options.kvm or not label.startswith("kvm")}
    missing = [f"GIC{gic} {label} {row}" for gic, found in results["gic"].items() for label, rows in wanted.items()
               for row in rows if row not in found.get(label, {})]
    missing += [f"GIC{gic} {load} {label} {row}"
                for gic, loads in results["scaling"].items() for load, found in loads.items()
                for label in ("argon", "xen") for row in SCALING_ROWS if row not in found[label]]
    for row in missing:
        say(f"not measured: {row}")
    return not missing


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--argon", type=pathlib.Path, default=ROOT / "build/argon-arm64")
    parser.add_argument("--xen", type=pathlib.Path, default=ROOT / "build/images/xen-4.17-arm64")
    parser.add_argument("--cpu", default="cortex-a57", help="for Argon and Xen")
    parser.add_argument("--gic", type=int, action="append", choices=(2, 3), help="default: both")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/results.json")
    parser.add_argument("--no-kvm", dest="kvm", action="store_false", help="leave the KVM columns empty")
    parser.add_argument("--no-scaling", dest="scaling", action="store_false", help="leave the scaling table out")
    parser.add_argument("--no-kinds", dest="kinds", action="store_false", help="do not count by kind of instruction")
    parser.add_argument("--errata", default="none",
                        help="Argon's option errata=, default none; empty: as the CPU needs")
    parser.add_argument("--guest", type=int, default=16, metavar="GIB",
                        help="largest guest of the scaling table, default 16")
    parser.add_argument("--goals", action="store_true", help="fail where a goal is missed")
    parser.add_argument("--update-docs", action="store_true",
                        help="put the results into docs/performance.md and its chart")
    parser.add_argument("--reuse", action="store_true", help="take the results from the JSON file instead of running")
    options = parser.parse_args()
    options.gic = options.gic or [3, 2]
    qemu.errata = options.errata
    return options


def main():
    options, start = arguments(), time.monotonic()
    needed = [(options.argon, "make"), (options.xen, "scripts/images/build.sh"), (PAYLOAD, "make -C bench")]
    needed += [(kinds.PLUGIN, "make -C bench/io")] if options.kinds else []
    needed += [(kvm.PACKAGES, "bench/kvm/build.sh"), (kvm.KERNEL, "scripts/images/build.sh")] if options.kvm else []
    for path, how in needed:
        if not path.exists():
            sys.exit(f"{path} is missing: {how} makes it")
    results = json.loads(options.json.read_text(encoding="ascii")) if options.reuse else measure_all(options)
    print_tables(results)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="ascii")
    print(f"\nwritten to {os.path.relpath(options.json)} after {time.monotonic() - start:.0f} s")
    if options.update_docs:
        update_docs(results)
    met = not any(row.goal and report.misses(row, rows) for rows in results["gic"].values() for row in ROWS)
    return 0 if is_complete(results, options) and (met or not options.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
