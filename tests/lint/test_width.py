# SPDX-License-Identifier: MIT
"""What has longs of 64 bits in mind is found: by compilers (scripts/width.sh), or by the words (scripts/lint.py)."""

import pathlib
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))

import lint  # noqa: E402

SOURCE = """#include <argon/types.h>
int snprintf(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));
size_t f(u64 a, void *p, char *s);
size_t f(u64 a, void *p, char *s) { (void)a; (void)p; (void)s; %s; return 0; }
"""


@pytest.mark.parametrize("statement, finding", [
    ("return (size_t)a", None),
    ("return a", "shorten-64-to-32"),
    ("return 1UL << 40", "shift"),
    ('snprintf(s, 9, "%lx", a)', "format"),
    ('snprintf(s, 9, "%" PRIx64, a & PAGE_MASK & ~(PAGE_SIZE - 1))', None),
    ('static_assert(sizeof(BIT(0) & PAGE_MASK & GENMASK(1, 0)) == 8, "64 bits")', None),
])
def test_compilers(tmp_path, statement, finding):
    if not (TOP / "build/sysroot-arm64/usr/include/xen").is_dir():
        pytest.skip("nothing is built yet")
    path = tmp_path / "a.c"
    path.write_text(SOURCE.replace("%s;", statement + ";"), encoding="utf-8")
    run = subprocess.run([TOP / "scripts/width.sh", path], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (finding is None), run.stderr
    assert finding is None or finding in run.stderr


@pytest.mark.parametrize("line, number", [
    ("x = ~0UL;", 1), ("y = 0x10ull;", 1), ("x = UINT64_C(1) << 40;", 0), ("x = 1u; /* not 1UL */", 0),
])
def test_words(line, number):
    assert len(list(lint.check_width("hypervisor/core/x.c", [line]))) == number


def test_one_width():
    line = "    tlbi(vmalle1is);"
    assert len(list(lint.check_width("hypervisor/arch/arm/p2m.c", [line]))) == 1
    assert not list(lint.check_width("hypervisor/arch/arm/arm64/tlb.c", [line]))
