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

# Which modules of the hypervisor may include the headers of which others; include/argon is the common contract.
FDT_ALLOWED = ("hypervisor/firmware/", "hypervisor/boot/", "tests/")
CONDITIONAL_ALLOWED = ("hypervisor/arch/", "hypervisor/include/", "tests/", "bench/", "tools/")
# Conditional compilation; include guards and one lock-checking hook are let through below.
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef)\b")
# Who may make a pointer to a guest's page, or store through one without argon/guest_write.h; docs/design/memory.md has
# the list of what is written.
DIRECT_MAP = re.compile(r"\b(mfn_to_virt|page_to_virt|paddr_to_virt)\(")
DIRECT_MAP_ALLOWED = ("core/mem/", "core/event/fifo_setup.c", "core/grant/copy.c", "core/grant/cache.c",
                      "core/vcpu/info.c")
SHARED = r"(?:->(?:shared_info|info|control)|\bsi)->(?:[\w.]|\[[^\]]*\])*"
GUEST_STORE = re.compile(rf"{SHARED}\s*(?:[|&+-]?=(?!=)|\+\+|--)|(?:WRITE_ONCE\(|atomic_(?!load)\w+\(&)\w*{SHARED}")
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
            if DIRECT_MAP.search(line) and not name.removeprefix("hypervisor/").startswith(DIRECT_MAP_ALLOWED):
                yield number, "a pointer to a page that may be a guest's: see argon/guest_write.h"
            if GUEST_STORE.search(line):
                yield number, "a store to memory that a guest has: guest_store() and its like"
        if in_core and re.search(r'#\s*include\s*[<"].*arch/(arm|x86|host)', line):
            yield number, "a header of one architecture in common code"


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
