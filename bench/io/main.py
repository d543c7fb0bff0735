#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""I/O of a Debian guest through the PV drivers on Argon and on Debian's Xen, and of dom0 alone on Argon and on nothing.

Figures are executed instructions (plugin.c), by themselves, by hypervisor, dom0 and guest, and as what a million of
them move. Prints tables and writes build/bench/io.json. Exit status: 0 if all was measured, and with --goals only if
the goals are met.
"""
import argparse
import json
import math
import pathlib
import sys
import typing

import counts
import scenario
from scenario import machine

sys.path.insert(0, str(scenario.ROOT / "bench"))
from run import compiler_of, output_of  # noqa: E402 (bench/run.py, through the path just added)

KIB = 1024


class Row(typing.NamedTuple):
    """A window: its number in the scripts, text, and bytes (or round trips) for each unit that the load counts."""

    window: int
    id: str
    text: str
    per_unit: int
    unit: str
    # What the breakdown's figures are for.
    each: int


ROWS = [
    Row(0, "rread", "4 KiB random reads", 4 * KIB, "KiB", 4 * KIB),
    Row(1, "read", "1 MiB sequential reads", KIB * KIB, "KiB", KIB * KIB),
    Row(2, "write", "1 MiB sequential writes", KIB * KIB, "KiB", KIB * KIB),
    Row(4, "send", "TCP stream, guest to dom0", 1, "KiB", 64 * KIB),
    Row(5, "receive", "TCP stream, dom0 to guest", 1, "KiB", 64 * KIB),
    Row(3, "ping", "ping round trip", 2, "packets", 2),
]
OWN_ROWS = [
    Row(8, "rread", "4 KiB random reads", 4 * KIB, "KiB", 4 * KIB),
    Row(9, "read", "1 MiB sequential reads", KIB * KIB, "KiB", KIB * KIB),
    Row(12, "cached", "the same by the page cache", KIB * KIB, "KiB", KIB * KIB),
    Row(10, "write", "1 MiB sequential writes", KIB * KIB, "KiB", KIB * KIB),
    Row(11, "stream", "TCP stream, card to card", 1, "KiB", 64 * KIB),
]
# The last: what the hypervisor may add to dom0's own I/O. What dom0's kernel adds by itself because it is a dom0 is
# in the table too.
GOAL_EACH, GOAL_MEAN, GOAL_OWN = 1.0, 1.15, 0.02


def measure(rows, system, folder, log):
    """Row -> amount moved, and instructions of each part."""
    ram, done = counts.dom0_ram(log), counts.units(log)
    out = {}
    for row in rows:
        path = folder / f"{row.window}.counts"
        if path.exists() and row.window in done:
            out[row.id] = {"amount": done[row.window] * row.per_unit, **counts.by_part(path, system, ram)}
    return out


def instructions(result):
    return sum(result[part] for part in counts.PARTS)


def rate(row, result):
    """What a million instructions move: KiB, or packets."""
    return result["amount"] / (KIB if row.unit == "KiB" else 1) * 1e6 / instructions(result)


def table(results):
    """Argon against Xen; returns text, ratios by row."""
    lines = [f"{'operation':28} {'a million instructions move':>33} {'ratio':>7}",
             f"{'':28} {'Argon':>17} {'Xen 4.17':>15}"]
    ratios = {}
    for row in ROWS:
        argon, xen = results["argon"].get(row.id), results["xen"].get(row.id)
        if argon and xen:
            ratios[row.id] = rate(row, argon) / rate(row, xen)
            lines.append(f"{row.text:28} {rate(row, argon):9.1f} {row.unit:7} {rate(row, xen):7.1f} {row.unit:7} "
                         f"{ratios[row.id]:6.2f}x")
    if ratios:
        lines.append(f"{'geometric mean':28} {'':33} {mean(ratios):6.2f}x")
    return "\n".join(lines), ratios


def mean(ratios):
    return math.exp(sum(math.log(ratio) for ratio in ratios.values()) / len(ratios))


def breakdown(rows, results):
    """Where the instructions go."""
    lines = [f"{'instructions for':34} {'system':7}" + "".join(f"{part:>12}" for part in ("all", *counts.PARTS))]
    for row in rows:
        name = "round trip" if row.unit == "packets" else f"{row.each // KIB} KiB"
        for system, measured in results.items():
            result = measured.get(row.id)
            if result:
                scale = row.each / result["amount"]
                figures = [instructions(result), *(result[part] for part in counts.PARTS)]
                lines.append(f"{row.text + ', ' + name:34} {system:7}" +
                             "".join(f"{figure * scale:12.0f}" for figure in figures))
    return "\n".join(lines)


def own_table(results):
    """dom0's own I/O against no hypervisor; returns text, ratios of instructions by row."""
    lines = [f"{'operation':28} {'instructions for a KiB':>36} {'Argon over bare':>26}",
             f"{'':28} {'Argon':>12} {'Xen 4.17':>12} {'bare':>10} {'all':>12} {'hypervisor':>13}"]
    ratios = {}
    for row in OWN_ROWS:
        argon, xen, bare = (results[name].get(row.id) for name in ("argon", "xen", "bare"))
        if argon and xen and bare:
            each = [instructions(result) * KIB / result["amount"] for result in (argon, xen, bare)]
            own = argon["hypervisor"] * KIB / argon["amount"] / each[2]
            ratios[row.id] = {"all": each[0] / each[2], "hypervisor": own}
            lines.append(f"{row.text:28} {each[0]:12.1f} {each[1]:12.1f} {each[2]:10.1f} "
                         f"{each[0] / each[2] - 1:+12.1%} {own:+13.1%}")
    return "\n".join(lines), ratios


def profile(rows, folder, log, elf, top):
    """Argon's functions by instructions, for each row's unit."""
    symbols, done = counts.Symbols(elf), counts.units(log)
    lines = []
    for row in rows:
        path = folder / f"{row.window}.counts"
        scale = row.each / (done[row.window] * row.per_unit)
        functions = sorted(counts.by_function(path, symbols).items(), key=lambda item: -item[1][0])
        lines.append(f"\n{row.text}, by function of the hypervisor: instructions, calls")
        lines += [f"  {spent * scale:10.1f} {calls * scale:8.2f}  {name}" for name, (spent, calls) in functions[:top]]
    return "\n".join(lines)


def run_guest(options, smp):
    """The guest's rows on both hypervisors with so many CPUs."""
    results = {}
    for system, image in (("argon", options.argon), ("xen", options.xen)):
        folder, log = scenario.with_guest(image, f"{system}-{smp}", options.cpu, smp, options.gic)
        results[system] = measure(ROWS, system, folder, log)
        if system == "argon" and options.profile:
            print(profile(ROWS, folder, log, f"{image}.elf", options.profile))
    text, ratios = table(results)
    print(f"\nGuest, {smp} CPU{'s' if smp > 1 else ''}, GICv{options.gic}, {options.cpu}\n{text}\n\n"
          f"{breakdown(ROWS, results)}", flush=True)
    return {"results": results, "ratios": ratios, "mean": mean(ratios) if ratios else None}


def run_own(options):
    results = {}
    for system, image in (("argon", options.argon), ("xen", options.xen)):
        folder, log = scenario.own_on_hypervisor(image, f"{system}-own", options.cpu, options.gic)
        results[system] = measure(OWN_ROWS, system, folder, log)
        if system == "argon" and options.profile:
            print(profile(OWN_ROWS, folder, log, f"{image}.elf", options.profile))
    results["bare"] = measure(OWN_ROWS, "bare", *scenario.own_bare("bare-own", options.cpu, options.gic))
    text, ratios = own_table(results)
    print(f"\ndom0 by itself, GICv{options.gic}, {options.cpu}\n{text}\n\n{breakdown(OWN_ROWS, results)}", flush=True)
    return {"results": results, "ratios": ratios}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--argon", type=pathlib.Path, default=machine.ARGON)
    parser.add_argument("--xen", type=pathlib.Path, default=machine.XEN)
    parser.add_argument("--cpu", default="cortex-a57")
    parser.add_argument("--gic", type=int, default=3, choices=(2, 3))
    parser.add_argument("--smp", type=int, action="append", choices=(1, 2), help="default: 1")
    parser.add_argument("--only", choices=("guest", "own"))
    parser.add_argument("--json", type=pathlib.Path, default=scenario.ROOT / "build/bench/io.json")
    parser.add_argument("--profile", type=int, default=0, metavar="N",
                        help="print Argon's N costliest functions for each row")
    parser.add_argument("--goals", action="store_true", help="fail where a goal is missed")
    return parser.parse_args()


def goals_met(everything):
    guest = everything["guest"].values()
    return (all(ratio > GOAL_EACH for part in guest for ratio in part["ratios"].values()) and
            all(part["mean"] is not None and part["mean"] >= GOAL_MEAN for part in guest) and
            all(ratio["hypervisor"] <= GOAL_OWN for ratio in everything["own"].get("ratios", {}).values()))


def complete(everything):
    return (all(len(part["ratios"]) == len(ROWS) for part in everything["guest"].values()) and
            (not everything["own"] or len(everything["own"]["ratios"]) == len(OWN_ROWS)))


def main():
    options = arguments()
    for needed, how in ((options.argon, "make"), (options.xen, "scripts/images/build.sh"),
                        (scenario.OUT / "load", "make -C bench/io")):
        if not needed.exists():
            sys.exit(f"{needed} is missing: {how} makes it")
    everything = {"commit": output_of("git", "describe", "--always", "--dirty"), "compiler": compiler_of(options.argon),
                  "qemu": output_of("qemu-system-aarch64", "--version").split("\n", maxsplit=1)[0], "cpu": options.cpu,
                  "gic": options.gic, "guest": {}, "own": {}}
    if options.only != "own":
        for smp in options.smp or (1,):
            everything["guest"][f"smp{smp}"] = run_guest(options, smp)
    if options.only != "guest":
        everything["own"] = run_own(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(everything, indent=2) + "\n")
    print(f"\nwritten to {options.json}")
    return 0 if complete(everything) and (goals_met(everything) or not options.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
