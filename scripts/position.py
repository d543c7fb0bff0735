#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What runs under UEFI runs where firmware loaded it, not where it is linked: it must have no absolute addresses.

position.py READELF DIRECTORY FILE...   each object below DIRECTORY, and archives that are linked with them

Looks at each section of the objects in boot/efi, and on from there by relocations at each section that they reach, in
any object or archive. A relocation that stores an address (a table of pointers, a literal) is a finding: object,
section, and the symbol whose address it is. Ends with 1 where there is one. Addresses in the global offset table are
let through: arch/arm/arm64/efi.S moves them.
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOTS = "boot/efi/"
# Not followed: what runs when firmware has gone, or is the end in any case.
ENDS = {"efi_hand_over", "__stack_chk_fail", "panic", "assert_failed"}
ABSOLUTE = re.compile(r"R_AARCH64_(ABS|P32_ABS|MOVW_[US]ABS)")
NOT_LOADED = (".debug", ".eh_frame")

Object = collections.namedtuple("Object", "sections symbols relocations")


def parse(text):
    """{file: Object} of readelf -W -S -r -s. sections: {number: (name, flags)}; symbols: {name: (section number,
    binding)}; relocations: [(section's name, type, symbol)]."""
    objects, current, section, part = {}, None, None, None
    for line in text.splitlines():
        fields = line.split()
        if line.startswith("File: "):
            current = objects.setdefault(line[6:].strip(), Object({}, {}, []))
        elif line.startswith("Section Headers:"):
            part = "sections"
        elif line.startswith("Relocation section "):
            part, section = "relocations", re.search(r"'\.rela?(\.\S+)'", line)[1]
        elif line.startswith("Symbol table "):
            part = "symbols"
        elif part == "sections" and (header := re.match(r"\s*\[\s*(\d+)\]\s+(\.\S+)\s+[A-Z]\S+\s+(.*)", line)):
            # Address, offset, size, entry size, then flags where there are any, and three numbers more.
            rest = header[3].split()
            current.sections[header[1]] = (header[2], rest[4] if len(rest) == 8 else "")
        elif part == "relocations" and len(fields) >= 5 and fields[2].startswith("R_"):
            current.relocations.append((section, fields[2], fields[4]))
        elif part == "symbols" and len(fields) == 8 and fields[6].isdigit():
            current.symbols[fields[7]] = (fields[6], fields[4])
    return objects


def place(objects, outside, file, symbol):
    """(file, section's name) that a symbol of a file is in; None: of the linker script, or nowhere."""
    own = objects[file].symbols.get(symbol)
    if own is None and symbol.startswith("."):
        return file, symbol
    if own is None:
        return outside.get(symbol)
    return file, objects[file].sections.get(own[0], ("", ""))[0]


def check(objects):
    """A line of text for each address that is stored in what boot/efi reaches."""
    outside = {}
    for file, content in objects.items():
        for symbol, (number, binding) in content.symbols.items():
            if binding != "LOCAL":
                outside.setdefault(symbol, (file, content.sections.get(number, ("", ""))[0]))
    waiting = [(file, name) for file, content in objects.items() if file.startswith(ROOTS)
               for name, flags in content.sections.values() if "A" in flags and not name.startswith(NOT_LOADED)]
    seen = set(waiting)
    while waiting:
        file, section = waiting.pop(0)
        for where, kind, symbol in objects[file].relocations:
            if where != section:
                continue
            if ABSOLUTE.match(kind):
                yield f"{file}: {section} has the address of {symbol} ({kind})"
            target = None if symbol in ENDS else place(objects, outside, file, symbol)
            if target is not None and target not in seen:
                seen.add(target)
                waiting.append(target)


def main():
    readelf, top, *files = sys.argv[1:]
    top = pathlib.Path(top).resolve()
    names = [pathlib.Path(path).resolve() for path in files]
    names = [str(path.relative_to(top) if path.is_relative_to(top) else path) for path in names]
    command = [readelf, "-W", "-S", "-r", "-s", *names]
    text = subprocess.run(command, cwd=top, check=True, capture_output=True, text=True).stdout
    objects = parse(f"File: {names[0]}\n{text}")         # of a single one it does not print the name
    if not any(name.startswith(ROOTS) for name in objects):
        print(f"position: no object in {ROOTS}")
        return 1
    findings = sorted(set(check(objects)))
    for finding in findings:
        print(f"position: {finding}")
    if findings:
        print("position: under UEFI this address is wrong: a switch in place of the table, or an array of characters")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
