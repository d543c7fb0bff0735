#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The layers of the hypervisor, by the symbols of its objects:

    lib <- core <- {vdev, drivers, firmware} <- arch <- boot

layers.py NM DIRECTORY OBJECT...   each object below DIRECTORY, in the folder of its layer

Each undefined symbol must be defined in a layer that the file may use. The one way upward is the contract: what
argon/arch.h, and the headers that it names, declare. Prints file, symbol and both layers, and ends with 1, where a
symbol goes another way.
"""

import pathlib
import re
import subprocess
import sys

INCLUDE = pathlib.Path(__file__).resolve().parents[1] / "hypervisor"
RANK = {"lib": 0, "core": 1, "vdev": 2, "drivers": 2, "firmware": 2, "arch": 3, "boot": 4}
# The assembler's first calls of C.
UPWARD = {("arch", "boot_main"), ("arch", "efi_main")}
# What no object defines: libfdt and zlib are boot code's, the linker script's symbols those of who makes maps.
FOREIGN = {"firmware": re.compile(r"fdt_"), "boot": re.compile(r"fdt_|inflate|boot_|image_"),
           "arch": re.compile(r"(boot|bss|errata_sites|got|image|pe|ro_after_boot|rodata|text)_")}


def contract_headers():
    """argon/arch.h and the headers it names, as the ARM build finds them."""
    arch = (INCLUDE / "include/argon/arch.h").read_text(encoding="utf-8")
    names = re.findall(r"<((?:argon|asm)/\w+\.h)>", arch.split("*/", 2)[1])
    folders = [INCLUDE / folder for folder in ("include", "arch/arm/include", "arch/arm/arm64/include")]
    paths = [next(folder / name for folder in folders if (folder / name).is_file()) for name in names]
    return [INCLUDE / "include/argon/arch.h", *paths]


def declared(text):
    """Names of the functions and data that a header declares or its inline functions call."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    functions = re.findall(r"\b([a-z_]\w*)\(", text)
    data = re.findall(r"^extern [^(;]*?\b(\w+)(?:\[[^;]*)?;", text, flags=re.MULTILINE)
    return {*functions, *data}


def parse_nm(lines):
    """({symbol: object that defines it}, [(object, undefined symbol)]) of nm -A: "file.o:address type name"."""
    defined, undefined = {}, []
    for line in lines:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) < 2:
            continue
        kind, symbol = fields[-2:]
        if kind in "Uvw" and len(fields) == 2:
            undefined.append((name, symbol))
        elif kind.isupper() or kind in "vwu":
            defined[symbol] = name
    return defined, undefined


def layer(name):
    return name.split("/")[0]


def check(lines, contract):
    """A line of text for each symbol that goes the wrong way; lines: of nm -A, paths from the top of the layers."""
    defined, undefined = parse_nm(lines)
    for name, symbol in undefined:
        user, owner = layer(name), layer(defined.get(symbol, "outside/"))
        if owner == "outside":
            if not FOREIGN.get(user, re.compile(r"(?!)")).match(symbol):
                yield f"{name} ({user}): {symbol} is defined nowhere in the hypervisor"
        elif user != owner and RANK[owner] >= RANK[user] and (user, symbol) not in UPWARD and symbol not in contract:
            yield f"{name} ({user}) uses {symbol} of {defined[symbol]} ({owner})"


def main():
    nm, top, *objects = sys.argv[1:]
    contract = set().union(*(declared(path.read_text(encoding="utf-8")) for path in contract_headers()))
    names = [str(pathlib.Path(path).relative_to(top)) for path in objects]
    lines = subprocess.run([nm, "-A", *names], cwd=top, check=True, capture_output=True, text=True).stdout.splitlines()
    findings = list(check(lines, contract))
    for finding in findings:
        print(f"layers: {finding}")
    if findings:
        print("layers: lib <- core <- {vdev, drivers, firmware} <- arch <- boot; the way upward is argon/arch.h")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
