#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time of `xl create` of a Debian guest on Argon and on Debian's Xen: dom0 and the guest share one CPU.

Two rows: until xl has ended, and until the guest's first process runs. Time is QEMU's virtual one, where a nanosecond
is an instruction of whoever runs (-icount) and sleep is skipped to the next timer: it repeats. Prints a table and
writes build/bench/create.json. Exit status: 0 if all was measured, and with --goals only if Argon meets them.
"""
import argparse
import json
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
OUT = ROOT / "build/bench/create"
DOCS = ROOT / "docs/performance.md"
sys.path.insert(0, str(ROOT / "bench/io"))
import scenario  # noqa: E402 (found through the path just added)
from scenario import guests, machine, qemu  # noqa: E402

sys.path.insert(0, str(ROOT / "bench"))
import report  # noqa: E402
from run import output_of  # noqa: E402

ROWS = ["`xl create`, until it has ended", "... until the guest's first process runs"]
GOAL = 0.8  # of Xen's
WARM = 1  # rounds that are not counted: dom0's page cache fills


def files():
    """What dom0 is given."""
    initrd = OUT / "guest.cpio.gz"
    machine.make_cpio({"/create/guest": (HERE / "guest.sh").read_text(encoding="utf-8")}, initrd)
    config = guests.config("create", ramdisk="/tmp/initrd", extra="console=hvc0 quiet rdinit=/create/guest")
    return {"/create/create": (OUT / "create").read_bytes(),
            "/create/dom0": (HERE / "dom0.sh").read_text(encoding="utf-8"),
            "/create/guest.cpio.gz": initrd.read_bytes(), "/create/guest.cfg": config}


def measure(hypervisor, name, options):
    """Rounds as pairs of instructions."""
    arguments = "console=dtuart dom0_mem=1024M bootscrub=0 dom0_max_vcpus=1"
    what = machine.Options(hypervisor=hypervisor, gic=options.gic, memory=2048, cpu=options.cpu, smp=1, threads=False,
                           machine="dtb-randomness=off", hypervisor_args=arguments, extra=list(scenario.CLOCK),
                           dom0_args="console=hvc0 PROMPT_COMMAND=/create/dom0", files=files())
    with machine.Machine(what, f"bench-create-{name}") as running:
        running.expect(["create: done"], scenario.TIMEOUT)
        text = running.log.read_text(encoding="utf-8", errors="replace")
    rounds = re.findall(r"^create: (\d+) (\d+)$", text, re.M)[WARM:]
    return [[int(ticks) * qemu.INSTRUCTIONS_PER_TICK for ticks in pair] for pair in rounds]


def cells(results):
    """Header and lines, in millions; and the ratios."""
    lines, ratios = [], []
    for i, text in enumerate(ROWS):
        argon, xen = (statistics.median(pair[i] for pair in results[name]) for name in ("argon", "xen"))
        ratios.append(argon / xen)
        lines.append([text, f"{argon / 1e6:.1f} M", f"{xen / 1e6:.1f} M", f"{GOAL:.2f}" if i == 0 else "-",
                      f"{argon / xen:.2f}" + (" !" if i == 0 and argon / xen > GOAL else "")])
    return (["operation", "Argon", "Xen 4.17", "goal, of Xen's", "of Xen's"], lines), ratios


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--argon", type=pathlib.Path, default=machine.ARGON)
    parser.add_argument("--xen", type=pathlib.Path, default=machine.XEN)
    parser.add_argument("--only", choices=("argon", "xen"), help="one of them, without a table")
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--gic", type=int, default=3, choices=(2, 3))
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "build/bench/create.json")
    parser.add_argument("--goals", action="store_true", help="fail where a goal is missed")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def main():
    options = arguments()
    for needed, how in ((options.argon, "make"), (options.xen, "scripts/images/build.sh"),
                        (OUT / "create", "make -C bench/create")):
        if not needed.exists():
            sys.exit(f"{needed} is missing: {how} makes it")
    results = {}
    for name, image in (("argon", options.argon), ("xen", options.xen)):
        if options.only in (None, name):
            results[name] = measure(image, name, options)
            print(f"{name}: " + ", ".join(f"{a / 1e6:.1f} and {b / 1e6:.1f}" for a, b in results[name]), flush=True)
    if options.only:
        return 0
    options.json.parent.mkdir(parents=True, exist_ok=True)
    out = {"commit": output_of("git", "describe", "--always", "--dirty"), "gic": options.gic, "cpu": options.cpu,
           "unit": "instructions", "rounds": results}
    options.json.write_text(json.dumps(out, indent=2) + "\n", encoding="ascii")
    if not all(results.values()):
        return 1
    table, ratios = cells(results)
    print(report.as_text(table))
    if options.update_docs:
        text = report.replace_between(DOCS.read_text(encoding="utf-8"), "create", report.as_markdown(table))
        DOCS.write_text(text, encoding="utf-8")
    return 1 if options.goals and ratios[0] > GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
