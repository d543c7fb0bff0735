# SPDX-License-Identifier: MIT
"""Absolute addresses in what runs under UEFI are found (scripts/position.py)."""

import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/position.py"
sys.path.insert(0, str(SCRIPT.parent))

import position  # noqa: E402

CC, AR, READELF = ("aarch64-linux-gnu-" + tool for tool in ("gcc", "ar", "readelf"))
CLEAN = "int far(int n); int near(int n); int near(int n) { return far(n) + 1; }"
TABLE = '''static const char *const names[] = {{ "a", "b" }};
    const char *{0}(int n); const char *{0}(int n) {{ return names[n]; }}'''


def build(tmp_path, sources):
    """Objects of {name: C}, as the hypervisor's are compiled; one named "x.a(y.o)" is in an archive."""
    files = []
    for name, text in sources.items():
        archive, _, member = name.rstrip(")").rpartition("(")
        path = tmp_path / (member or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([CC, "-O2", "-g", "-ffreestanding", "-fno-pie", "-ffunction-sections", "-fdata-sections",
                        "-x", "c", "-c", "-", "-o", path], input=text, text=True, check=True)
        if archive:
            subprocess.run([AR, "rc", tmp_path / archive, path], check=True)
            path = tmp_path / archive
        files.append(str(path))
    return files


def run(tmp_path, sources):
    """(exit status, lines printed without "position: ")."""
    command = [SCRIPT, READELF, tmp_path, *build(tmp_path, sources)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    return result.returncode, [line.removeprefix("position: ") for line in result.stdout.splitlines()]


def test_nothing_to_find(tmp_path):
    assert run(tmp_path, {"boot/efi/a.o": CLEAN, "lib/b.o": "int far(int n); int far(int n) { return n; }"}) == (0, [])


def test_table_of_its_own(tmp_path):
    status, lines = run(tmp_path, {"boot/efi/a.o": TABLE.format("name")})
    assert status == 1
    assert len(lines) == 2 and lines[0].startswith("boot/efi/a.o: .rodata.names has the address of .")
    assert lines[0].endswith("(R_AARCH64_ABS64)")


def test_table_that_nothing_uses(tmp_path):
    """In boot/efi all sections count: what is not used today may be tomorrow."""
    status, lines = run(tmp_path, {"boot/efi/a.o": "extern int x; int *const p = &x;"})
    assert (status, lines[0]) == (1, "boot/efi/a.o: .rodata.p has the address of x (R_AARCH64_ABS64)")


def test_table_that_is_reached(tmp_path):
    middle = "const char *far2(int n); int far(int n); int far(int n) { return *far2(n); }"
    status, lines = run(tmp_path, {"boot/efi/a.o": CLEAN, "lib/b.o": middle, "lib/c.o": TABLE.format("far2")})
    assert status == 1
    assert lines[0].startswith("lib/c.o: .rodata.names has the address of .")
    status, lines = run(tmp_path, {"boot/efi/a.o": CLEAN, "lib/b.o": middle, "x.a(c.o)": TABLE.format("far2")})
    assert status == 1
    assert lines[0].startswith("x.a(c.o): .rodata.names has the address of .")


def test_table_that_is_not_reached(tmp_path):
    beside = "int far(int n); int far(int n) { return n; }\n" + TABLE.format("other")
    assert run(tmp_path, {"boot/efi/a.o": CLEAN, "lib/b.o": beside}) == (0, [])


def test_the_end(tmp_path):
    """What never comes back may have what it likes."""
    asks = "void panic(int n); int near(int n); int near(int n) { if (n) panic(n); return 1; }"
    dies = TABLE.format("f") + " void panic(int n); void panic(int n) { f(n); }"
    assert run(tmp_path, {"boot/efi/a.o": asks, "core/panic.o": dies}) == (0, [])


def test_local_symbols_of_two_files(tmp_path):
    """A static function of one file is not that of another."""
    one = "static int __attribute__((noinline)) help(int n) { return n * 3; }" \
        " int near(int n); int near(int n) { return help(n); }"
    two = TABLE.format("f") + " static int __attribute__((noinline)) help(int n) { return *f(n); } int g(int n);" \
        " int g(int n) { return help(n); }"
    assert run(tmp_path, {"boot/efi/a.o": one, "lib/b.o": two}) == (0, [])
    assert run(tmp_path, {"lib/b.o": two, "boot/efi/a.o": one}) == (0, [])


@pytest.mark.parametrize("count", [1, 8])
def test_switch(tmp_path, count):
    """What the Makefile's flags keep out of boot/efi."""
    cases = "".join(f'case {n}: return "{n * 11}";' for n in range(count))
    text = f'const char *f(unsigned n); const char *f(unsigned n) {{ switch (n) {{ {cases} default: return "x"; }} }}'
    status, lines = run(tmp_path, {"boot/efi/a.o": text})
    assert status == (1 if count > 1 else 0), lines


def test_no_objects(tmp_path):
    assert run(tmp_path, {"lib/a.o": CLEAN}) == (1, ["no object in boot/efi/"])


def test_kinds():
    assert all(position.ABSOLUTE.match(kind) for kind in (
        "R_AARCH64_ABS64", "R_AARCH64_ABS32", "R_AARCH64_MOVW_UABS_G3"))
    assert not any(position.ABSOLUTE.match(kind) for kind in (
        "R_AARCH64_CALL26", "R_AARCH64_ADR_PREL_PG_HI21", "R_AARCH64_ADD_ABS_LO12_NC", "R_AARCH64_PREL32",
        "R_AARCH64_LDST64_ABS_LO12_NC", "R_AARCH64_ADR_GOT_PAGE"))
