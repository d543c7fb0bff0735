#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the hypervisor defines for others, and nobody takes:

unused.py READELF DIRECTORY   over the objects below DIRECTORY, after a build

Prints each external function or variable that no object refers to, and each that only its own file refers to and that
is therefore to be static, but for those below; and each of these that is not true any more. Ends with 1 where there is
one. Objects are compiled with -ffunction-sections: a reference is a relocation, also within a file.
"""

import collections
import pathlib
import re
import subprocess
import sys

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "hypervisor"
# External because unit tests start over, or look inside, where the product need not.
TESTS = {
    "hypercall_none": "test_hypercall_multicall.c tells the rows apart",
    "firmware_smccc": "what test_smccc.c sets and reads",
    "mem_reset": "memory anew for each test",
    "parse_size": "test_options.c has its own table",
    "vgic_check_all": "the invariants, after each step of a test",
}
# Referred to in another way.
OTHERS = {
    "__stack_chk_fail": "Debian's libfdt and libz are compiled with the protector",
    "__stack_chk_guard": "the same",
    "free": "zlib, from the archive",
    "malloc": "zlib, from the archive",
    "image_start_code": "ENTRY of the linker script",
    "efi_entry": "the entry that the PE header names, by the linker script",
    "vgic_check_irq": "called in checked builds only",
    "vgic_check_lrs": "called in checked builds only",
}


def parse(text):
    """({symbol: file that defines it}, {symbol: files that refer to it}) of readelf -W -s -r, file by file."""
    defined, used = {}, collections.defaultdict(set)
    name = relocated = None
    for line in text.splitlines():
        fields = line.split()
        if line.startswith("File: "):
            name = line[6:].strip()
        elif line.startswith("Relocation section "):
            relocated = re.search(r"'\.rela?(\S+)'", line)[1]
        elif line.startswith("Symbol table "):
            relocated = None
        elif relocated is not None:
            if len(fields) >= 5 and not relocated.startswith((".debug", ".eh_frame")):
                used[fields[4]].add((name, relocated))
        elif len(fields) == 8 and fields[3] in ("FUNC", "OBJECT", "NOTYPE") and fields[4] in ("GLOBAL", "WEAK") and \
                fields[6] != "UND":
            defined[fields[7]] = name
    return defined, used


def check(defined, used, exceptions):
    """A line of text for each finding."""
    for symbol, name in sorted(defined.items(), key=lambda item: (item[1], item[0])):
        # A function's call of itself is none.
        users = {file for file, section in used.get(symbol, ()) if section != f".text.{symbol}"}
        if users - {name}:
            if symbol in exceptions:
                yield f"{name}: {symbol} is used: no exception any more"
        elif symbol not in exceptions:
            yield f"{name}: {symbol} is used " + ("in its own file only: static" if users else "nowhere")
    for symbol in sorted(set(exceptions) - set(defined)):
        yield f"{symbol} is not there: no exception any more"


def main():
    readelf, top = sys.argv[1:]
    objects = (path.relative_to(top) for path in pathlib.Path(top).rglob("*.o"))
    # Not those of a source that has gone.
    names = sorted(str(path) for path in objects if any((SOURCES / path.with_suffix(s)).exists() for s in (".c", ".S")))
    command = [readelf, "-W", "-s", "-r", *names]
    text = subprocess.run(command, cwd=top, check=True, capture_output=True, text=True).stdout
    findings = list(check(*parse(text), {**TESTS, **OTHERS}))
    for finding in findings:
        print(f"unused: {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
