# SPDX-License-Identifier: MIT
"""What a hypervisor executes in an operation, by kind of instruction, and how many cache lines it touches.

The benchmark's payload marks a window around each repeated operation; bench/io/plugin.c counts every instruction in it
and the lines that the hypervisor's instructions load and store. Here the instructions at EL2 are told apart by their
encoding (Arm ARM C4.1).
"""
import collections
import re
import struct
import sys
from typing import NamedTuple

from qemu import LOGS, ROOT, run_qemu
from rows import ROWS

sys.path.insert(0, str(ROOT / "bench/io"))
import counts  # noqa: E402 (found through the path just added)

PLUGIN = ROOT / "build/bench/io/plugin.so"
DEVICE_LINE = 2 ** 64 - 1
LINE_SHIFT = 6
# A line belongs to an operation if at least one round in four touches it: not what an interrupt in between did.
SHARE_OF_ROUNDS = 4


class Kind(NamedTuple):
    """A column. The weight is what one costs beside others, as published latencies suggest: no time."""

    id: str
    text: str
    weight: float


KINDS = [Kind("insn", "all", 0.5), Kind("mem", "loads, stores", 0), Kind("dsb", "DSB", 30), Kind("dmb", "DMB", 8),
         Kind("isb", "ISB", 20), Kind("tlbi", "TLBI", 40), Kind("cache", "IC, DC", 20), Kind("at", "AT", 20),
         Kind("gic", "GIC registers", 12), Kind("mrs", "other MRS", 2), Kind("msr", "other MSR", 4),
         Kind("atomic", "atomics", 6), Kind("order", "LDAR, STLR", 4), Kind("eret", "ERET", 40),
         Kind("data_lines", "data lines", 0), Kind("code_lines", "code lines", 0)]


def is_gic(code):
    """ICC_*, ICH_*: op0 3, CRn 12, CRm 8 to 13; ICC_PMR_EL1: CRn 4, CRm 6."""
    op0, crn, crm = code >> 19 & 3, code >> 12 & 15, code >> 8 & 15
    return op0 == 3 and (crn == 12 and 8 <= crm <= 13 or (crn, crm, code >> 5 & 7, code >> 16 & 7) == (4, 6, 0, 0))


def system_kind(code):
    """Of the class System: barriers, SYS, MRS and MSR by register or immediate; None for hints."""
    if code & 0xfffff01f == 0xd503301f:
        return {4: "dsb", 5: "dmb", 6: "isb"}.get(code >> 5 & 7)
    if code & 0xffc00000 != 0xd5000000:
        return None
    read, op0, crn, crm = code >> 21 & 1, code >> 19 & 3, code >> 12 & 15, code >> 8 & 15
    if op0 == 1:
        if crn == 8:
            return "tlbi"
        return ("at" if crm in (8, 9) else "cache") if crn == 7 else None
    if op0 == 0:
        return "msr" if crn == 4 else None
    return "gic" if is_gic(code) else "mrs" if read else "msr"


def memory_kind(code):
    """Of the class Loads and Stores: None for plain ones."""
    if code & 0x3f000000 == 0x08000000:  # exclusive, ordered, compare and swap
        return "order" if code >> 23 & 1 and not code >> 21 & 1 else "atomic"
    if code & 0x3f200c00 == 0x38200000:  # atomic memory operations (FEAT_LSE)
        return "atomic"
    return None


def kinds_of(code):
    """Every column that one execution of this instruction counts in."""
    out = ["insn"]
    if code >> 25 & 5 == 4:
        out += ["mem", memory_kind(code)]
    elif code == 0xd69f03e0:
        out.append("eret")
    else:
        out.append(system_kind(code))
    return [kind for kind in out if kind]


def of_window(folder, window, rounds, code_range):
    """Column -> executions per round in the hypervisor; lines that a round touches."""
    totals, code_lines = collections.Counter(), collections.Counter()
    for vaddr, _, count, code in counts.records(folder / f"{window}.counts"):
        if vaddr in code_range:
            code_lines[vaddr >> LINE_SHIFT] = max(code_lines[vaddr >> LINE_SHIFT], count)
            for kind in kinds_of(code):
                totals[kind] += count
    lines = dict(struct.iter_unpack("<QQ", (folder / f"{window}.lines").read_bytes()))
    totals["gic"] += lines.pop(DEVICE_LINE, 0)  # GICv2: its registers are memory
    out = {kind.id: round(totals[kind.id] / rounds, 1) for kind in KINDS}
    out["data_lines"] = sum(n * SHARE_OF_ROUNDS >= rounds for n in lines.values())
    out["code_lines"] = sum(n * SHARE_OF_ROUNDS >= rounds for n in code_lines.values())
    return out


def weight(columns):
    return round(sum(kind.weight * columns[kind.id] for kind in KINDS))


def measure(machine):
    """Row -> column -> figure, of one run with the plugin."""
    code = counts.HYPERVISOR_CODE[machine.label]
    name = f"{machine.name()}-kinds"
    folder = LOGS.parent / "bench" / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [*machine.command(), "-plugin", f"{PLUGIN},dir={folder},code={code.start:x}-{code.stop:x}"]
    text = run_qemu(command, name, machine.smp > 1)
    return {row: of_window(folder, int(window), int(rounds), code)
            for window, row, rounds in re.findall(r"# window (\d+) (\w+) (\d+)", text)}


def cell(argon, xen):
    def short(value):
        return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f"{short(argon)}/{short(xen)}" if argon or xen else "-"


def cells(results):
    """Header and lines: for each row, Argon/Xen in each column."""
    header = ["operation", *(kind.text for kind in KINDS), "weighted"]
    lines = []
    for row in ROWS:
        argon, xen = results.get("argon", {}).get(row.id), results.get("xen", {}).get(row.id)
        if argon and xen:
            lines.append([row.text, *(cell(argon[kind.id], xen[kind.id]) for kind in KINDS),
                          cell(weight(argon), weight(xen))])
    return header, lines
