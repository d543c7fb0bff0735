#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the house rules of the design that a program can check, over the source tree. Prints file:line: rule."""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
SOURCE_DIRS = ("hypervisor", "tools", "tests", "bench", "scripts")
SUFFIXES = {".c", ".h", ".S", ".inc", ".lds", ".py", ".sh", ".manifest", ".mk"}
MAX_FILE, MAX_FUNCTION = 600, 60
MAX_LINE = 120
MAX_WIDE_LINE = 150  # where tables of registers are wider than that
WIDE = ("hypervisor/arch/", "hypervisor/include/")

# What each part of the hypervisor may include, by the folder in <...>, besides the compiler's headers and those of asm
# that argon/arch.h names. Symbols are checked by scripts/layers.py. The first part that fits counts.
EVERYTHING = re.compile(r"")
CONTRACT = re.findall(r"<asm/\w+\.h>", (TOP / "hypervisor/include/argon/arch.h").read_text(encoding="utf-8"))
FOR_ALL = re.compile("|".join([r"<std\w+\.h>", *map(re.escape, CONTRACT)]))
PARTS = (
    ("hypervisor/arch/", EVERYTHING),
    ("hypervisor/boot/", EVERYTHING),
    ("hypervisor/vdev/", re.compile(r"<(argon|vdev)/")),
    ("hypervisor/include/vdev/", re.compile(r"<(argon|vdev)/")),
    ("hypervisor/drivers/irqchip/", re.compile(r"<argon/|<vdev/vgic_(host|state)\.h>")),
    ("hypervisor/firmware/", re.compile(r"<argon/|<libfdt\.h>")),
    ("hypervisor/include/argon/", re.compile(r"<(argon|xen)/")),
    ("hypervisor/", re.compile(r"<argon/")),
)
# What is between quotes is the folder's own, or of one below it.
OWN_ONLY = ("..", "arch", "boot", "core", "drivers", "firmware", "lib", "vdev")
# These know nothing of emulated devices and of an architecture's structures, not even names.
NO_NAMES = ("hypervisor/lib/", "hypervisor/core/", "hypervisor/firmware/", "hypervisor/drivers/uart/")
UPPER_NAME = re.compile(r"\b(?:vgic|vtimer|vpsci)_\w+|->arch\.(?:vgic|vtimer|regs|p2m|mmio|event|vcounter)\w*")
FDT_ALLOWED = ("hypervisor/firmware/", "hypervisor/boot/", "tests/")
CONDITIONAL_ALLOWED = ("hypervisor/arch/", "hypervisor/include/", "tests/", "bench/", "tools/")
# Conditional compilation; include guards and one lock-checking hook are let through below.
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef)\b")
# Who may make a pointer to a guest's page, or store through one without argon/guest_write.h; docs/design/memory.md has
# the list of what is written.
DIRECT_MAP = re.compile(r"\b(mfn_to_virt|page_to_virt|paddr_to_virt|frames?_map\w*)\(")
DIRECT_MAP_ALLOWED = ("core/mem/", "core/event/fifo_setup.c", "core/grant/copy.c", "core/grant/cache.c",
                      "core/vcpu/info.c")
HEAP_ONLY = re.compile(r"\b(mfn_to_virt|page_to_virt|virt_to_page)\(")
SHARED = r"(?:->(?:shared_info|info|control)|\bsi)->(?:[\w.]|\[[^\]]*\])*"
GUEST_STORE = re.compile(rf"{SHARED}\s*(?:[|&+-]?=(?!=)|\+\+|--)|(?:WRITE_ONCE\(|atomic_(?!load)\w+\(&)\w*{SHARED}")
# Code of both widths of ARM: scripts/width.sh compiles it for the other one, but no compiler minds a ~0UL that is not
# all ones of a u64. Instructions and registers of AArch64 alone are not for arch/arm itself.
ONE_WIDTH = ("hypervisor/arch/arm/arm64/", "hypervisor/arch/host/")
LONG_CONSTANT = re.compile(r"\b(?:0x[0-9a-fA-F]+|[0-9]+)(?:[uU]?[lL]{1,2}|[lL]{1,2}[uU])\b")
AARCH64_ONLY = re.compile(r"\b(?:__asm__|tlbi(?:_arg)?\(|at_result\(|ic\(|dc_step\w*\(|s3_\d_c\d+\w*|id_aa64\w+)")
# Who asks what a domain is: permit() (argon/permission.h), and these, for which it is no question of rights.
PRIVILEGE = re.compile(r"(?:->|\.)is_(?:privileged|console)\b")
PRIVILEGE_ALLOWED = {
    "hypervisor/include/argon/permission.h": "the place",
    "hypervisor/core/hypercall/permission.c": "the place",
    "hypervisor/core/domain/domain.c": "creates it so",
    "hypervisor/core/console/dump.c": "prints it",
    "hypervisor/core/console/output.c": "what others write has their id in front of each line",
    "hypervisor/core/sched/affinity.c": "dom0_vcpus_pin",
    "hypervisor/arch/arm/domain.c": "dom0 has the machine's layout and timer interrupts",
    "hypervisor/arch/arm/p2m.c": "tables of dom0's come out of no pool",
    "hypervisor/vdev/vgic/vgic.c": "dom0 has the machine's layout",
}
# A right that stands in no row; xen_version tells who it is by a feature.
LOOSE_RIGHT = re.compile(r"\bpermit(?:_call|_other)?\(RIGHT_")
LOOSE_RIGHT_ALLOWED = ("hypervisor/core/hypercall/version.c",)
# What must not be in a file that others are to use elsewhere.
PLACES = re.compile(r"(?<![\w.])/(?:work|home|root/\.|Users)/\w")


def source_files():
    for directory in SOURCE_DIRS:
        for path in sorted((TOP / directory).rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES or path.name == "Makefile"):
                yield path


def function_lengths(lines):
    """(first line, number of lines) of each C function: from a brace in column 0 to the next closing one."""
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"^\{", line) or (re.match(r"^[A-Za-z_].*\)\s*\{\s*$", line) and "=" not in line):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def python_function_lengths(lines):
    """The same for Python, by indentation."""
    open_functions = []
    for number, line in enumerate([*lines, "end"], 1):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while open_functions and indent <= open_functions[-1][1] and not line.lstrip().startswith(")"):
            first, _, last = open_functions.pop()
            yield first, last - first + 1
        for entry in open_functions:
            entry[2] = number
        if re.match(r"\s*def ", line):
            open_functions.append([number, indent, number])


def check_text(name, lines):
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:3]):
        yield 1, "no SPDX-License-Identifier: MIT in the first three lines"
    if len(lines) > MAX_FILE:
        yield len(lines), f"{len(lines)} lines; {MAX_FILE} are the limit"
    max_line = MAX_WIDE_LINE if name.startswith(WIDE) else MAX_LINE
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if len(line.expandtabs(8)) > max_line:
            yield number, f"line longer than {max_line}"
        if PLACES.search(line) and name != "scripts/lint.py":
            yield number, "names a place on somebody's machine"


def check_layers(name, lines):
    allowed = next(pattern for part, pattern in PARTS if name.startswith(part))
    for number, line in enumerate(lines, 1):
        header = re.match(r'\s*#\s*include\s*([<"].*[>"])', line)
        if header and header[1].startswith('"'):
            if header[1][1:].split("/")[0] in OWN_ONLY and "/" in header[1]:
                yield number, f"includes {header[1]}, which is another folder's own"
        elif header and not (allowed.match(header[1]) or FOR_ALL.match(header[1])):
            yield number, f"includes {header[1]}, which is of a layer above"
        elif name.startswith(NO_NAMES) and UPPER_NAME.search(line):
            yield number, f"{UPPER_NAME.search(line)[0]} is of a layer above"


def check_width(name, lines):
    for number, line in enumerate(lines, 1):
        if name.startswith(ONE_WIDTH):
            continue
        if LONG_CONSTANT.search(re.sub(r"/\*.*?\*/", "", line)):
            yield number, "a constant of as many bits as a long has: UINT64_C(), UINT64_MAX, BIT()"
        if name.startswith("hypervisor/arch/arm/") and AARCH64_ONLY.search(line):
            yield number, f"{AARCH64_ONLY.search(line)[0]} is of AArch64: arch/arm/arm64"


def check_c(name, lines):
    for first, length in function_lengths(lines):
        if length > MAX_FUNCTION:
            yield first, f"function of {length} lines; {MAX_FUNCTION} are the limit"
    in_core = name.startswith("hypervisor/") and not name.startswith(CONDITIONAL_ALLOWED)
    for number, line in enumerate(lines, 1):
        if in_core and re.match(CONDITIONAL, line) and not re.search(r"_H_?$|CONFIG_LOCK_DEBUG", line):
            yield number, "conditional compilation outside arch"
        if "libfdt.h" in line and line.lstrip().startswith("#") and not name.startswith(FDT_ALLOWED):
            yield number, "libfdt is for firmware and boot code only"
        if name.startswith(("hypervisor/core/", "hypervisor/vdev/")):
            if HEAP_ONLY.search(line) and not name.startswith("hypervisor/core/mem/"):
                yield number, "the direct map need not have a guest's page: frame_map() and its like (argon/mem.h)"
            if DIRECT_MAP.search(line) and not name.removeprefix("hypervisor/").startswith(DIRECT_MAP_ALLOWED):
                yield number, "a pointer to a page that may be a guest's: see argon/guest_write.h"
            if GUEST_STORE.search(line):
                yield number, "a store to memory that a guest has: guest_store() and its like"
        if name.startswith("hypervisor/"):
            if PRIVILEGE.search(line) and name not in PRIVILEGE_ALLOWED:
                yield number, "asks what a domain is: a right belongs in its operation's row (argon/operations.h)"
            if LOOSE_RIGHT.search(line) and name not in LOOSE_RIGHT_ALLOWED:
                yield number, "a right that is in no row of argon/operations.h"
    if name.startswith("hypervisor/"):
        yield from check_layers(name, lines)
        yield from check_width(name, lines)


def check(path):
    name = str(path.relative_to(TOP))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        yield name, 1, "not UTF-8"
        return
    findings = list(check_text(name, lines))
    if path.suffix in (".c", ".h"):
        findings += check_c(name, lines)
    elif path.suffix == ".py":
        findings += [(first, f"function of {length} lines; {MAX_FUNCTION} are the limit")
                     for first, length in python_function_lengths(lines) if length > MAX_FUNCTION]
    for number, text in findings:
        yield name, number, text


def main():
    findings = [finding for path in source_files() for finding in check(path)]
    for name, number, text in findings:
        print(f"{name}:{number}: {text}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
