# SPDX-License-Identifier: MIT
"""Instructions are told apart as the assembler names them; lines and rounds are summed as said."""
import pathlib
import struct
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kinds  # noqa: E402 (found through the path just added)

WANTED = {
    "add x0, x0, #1": [], "nop": [], "wfi": [], "b .": [], "eret": ["eret"], "hvc #1": [],
    "ldr x0, [x1]": ["mem"], "stp x0, x1, [sp, #-16]!": ["mem"], "ldrb w0, [x1, x2]": ["mem"],
    "prfm pldl1keep, [x0]": ["mem"],
    "ldxr x0, [x1]": ["mem", "atomic"], "stlxr w0, x1, [x2]": ["mem", "atomic"], "cas x0, x1, [x2]": ["mem", "atomic"],
    "ldadd x0, x1, [x2]": ["mem", "atomic"], "ldar x0, [x1]": ["mem", "order"], "stlr x0, [x1]": ["mem", "order"],
    "dsb ish": ["dsb"], "dmb ishst": ["dmb"], "isb": ["isb"],
    "tlbi vmalle1is": ["tlbi"], "tlbi ipas2e1is, x0": ["tlbi"], "ic iallu": ["cache"], "dc civac, x0": ["cache"],
    "at s12e1r, x0": ["at"], "mrs x0, esr_el2": ["mrs"], "msr vttbr_el2, x0": ["msr"], "msr daifset, #2": ["msr"],
    "mrs x0, ich_lr0_el2": ["gic"], "msr ich_hcr_el2, x0": ["gic"], "mrs x0, icc_iar1_el1": ["gic"],
    "msr icc_pmr_el1, x0": ["gic"], "msr vbar_el2, x0": ["msr"], "mrs x0, isr_el1": ["mrs"],
}


@pytest.fixture(scope="module", name="codes")
def assembled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    source = folder / "all.S"
    source.write_text(".arch armv8.2-a\n" + "\n".join(WANTED) + "\n", encoding="ascii")
    subprocess.run(["aarch64-linux-gnu-gcc", "-c", "-o", folder / "all.o", source], check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", folder / "all.o", folder / "all.bin"],
                   check=True)
    return [code for code, in struct.iter_unpack("<I", (folder / "all.bin").read_bytes())]


def test_kinds(codes):
    assert {text: kinds.kinds_of(code)[1:] for text, code in zip(WANTED, codes)} == WANTED


def test_window(tmp_path):
    """Rounds: 100. Two code lines, one of them touched too rarely; three data lines, one rarely; devices apart."""
    load, nop = 0xf9400020, 0xd503201f
    records = [(0x1000, 0, 100, load), (0x1004, 0, 100, nop), (0x1040, 0, 3, nop), (0x9000, 0, 500, nop)]
    (tmp_path / "0.counts").write_bytes(b"".join(struct.pack("<QQQQ", *record) for record in records))
    lines = [(1, 100), (2, 25), (3, 24), (kinds.DEVICE_LINE, 200)]
    (tmp_path / "0.lines").write_bytes(b"".join(struct.pack("<QQ", *line) for line in lines))
    out = kinds.of_window(tmp_path, 0, 100, range(0x1000, 0x2000))
    assert (out["insn"], out["mem"], out["gic"], out["data_lines"], out["code_lines"]) == (2.0, 1.0, 2.0, 2, 1)
    assert kinds.weight(out) == 25
