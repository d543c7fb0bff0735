# SPDX-License-Identifier: MIT
"""What plugin.c counted in a window: instructions by where they belong, and by function of the hypervisor."""
import bisect
import collections
import re
import struct
import subprocess

# Virtual addresses of each hypervisor's code at EL2, as seen in its counts. Nothing else here is linked there.
HYPERVISOR_CODE = {"argon": range(0xa0000000000, 0xb0000000000), "xen": range(0x200000, 0x400000), "bare": range(0)}
PARTS = ("hypervisor", "dom0", "guest")


def records(path):
    """(virtual address, physical address, count, code) of each instruction; one may come more than once."""
    return struct.iter_unpack("<QQQQ", path.read_bytes())


def dom0_ram(log):
    """dom0's memory, which has equal guest and machine addresses, from what dom0.sh and own.sh print."""
    return [range(int(start, 16), int(end, 16) + 1) for start, end in re.findall(r"io: dom0 has (\w+)-(\w+)", log)]


def units(log):
    """How many blocks, bytes or round trips each window covered."""
    return {int(window): int(count) for window, count in re.findall(r"load (\d+) (\d+)", log)}


def by_part(path, system, ram):
    """Instructions executed by the hypervisor, by dom0 and by the guest."""
    code = HYPERVISOR_CODE[system]
    out = dict.fromkeys(PARTS, 0)
    for vaddr, paddr, count, _ in records(path):
        if vaddr in code:
            out["hypervisor"] += count
        elif any(paddr in bank for bank in ram):
            out["dom0"] += count
        else:
            out["guest"] += count
    return out


class Symbols:
    """Functions of an ELF file by address."""

    def __init__(self, elf):
        text = subprocess.run(["aarch64-linux-gnu-nm", "-n", elf], capture_output=True, text=True, check=True).stdout
        found = [(int(address, 16), name)
                 for address, name in re.findall(r"^(\w+) [tTwW] ([^$\s]+)$", text, re.MULTILINE)]
        self.addresses = [address for address, _ in found]
        self.names = [name for _, name in found]

    def function(self, address):
        """The function's name, and whether this is its first instruction."""
        index = bisect.bisect(self.addresses, address) - 1
        return (self.names[index], self.addresses[index] == address) if index >= 0 else ("?", False)


def by_function(path, symbols):
    """Instructions and calls of each of Argon's functions: name -> [instructions, calls]."""
    out = collections.defaultdict(lambda: [0, 0])
    for vaddr, _, count, _ in records(path):
        if vaddr in HYPERVISOR_CODE["argon"]:
            name, first = symbols.function(vaddr)
            out[name][0] += count
            out[name][1] += count if first else 0
    return dict(out)
