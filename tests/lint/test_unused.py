# SPDX-License-Identifier: MIT
"""scripts/unused.py finds what nothing refers to, and what is to be static."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import unused  # noqa: E402

READELF = """
File: core/a.o

Relocation section '.rela.text.caller' at offset 0x1a68 contains 2 entries:
    Offset             Info             Type               Symbol's Value  Symbol's Name + Addend
0000000000000010  000000340000011b R_AARCH64_CALL26       0000000000000000 taken + 0
0000000000000014  000000350000011b R_AARCH64_CALL26       0000000000000000 inner + 0

Relocation section '.rela.text.recursive' at offset 0x1a68 contains 1 entry:
    Offset             Info             Type               Symbol's Value  Symbol's Name + Addend
0000000000000010  000000340000011b R_AARCH64_CALL26       0000000000000000 recursive + 0

Relocation section '.rela.debug_info' at offset 0x8000 contains 1 entry:
    Offset             Info             Type               Symbol's Value  Symbol's Name + Addend
0000000000000010  0000003400000101 R_AARCH64_ABS64        0000000000000000 data + 0

Symbol table '.symtab' contains 6 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     1: 0000000000000000     8 FUNC    LOCAL  DEFAULT    4 caller
     2: 0000000000000000     8 FUNC    GLOBAL DEFAULT    5 inner
     3: 0000000000000000     8 FUNC    GLOBAL DEFAULT    6 recursive
     4: 0000000000000000     8 OBJECT  GLOBAL DEFAULT    7 data
     5: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT  UND taken

File: core/b.o

Symbol table '.symtab' contains 2 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     1: 0000000000000000     8 FUNC    GLOBAL DEFAULT    4 taken
"""


def findings(exceptions):
    return list(unused.check(*unused.parse(READELF), exceptions))


def test_finds():
    assert findings({}) == ["core/a.o: data is used nowhere", "core/a.o: inner is used in its own file only: static",
                            "core/a.o: recursive is used nowhere"]


def test_exceptions():
    assert findings({"data": "", "inner": "", "recursive": ""}) == []
    assert findings({"data": "", "inner": "", "recursive": "", "taken": "", "gone": ""}) == [
        "core/b.o: taken is used: no exception any more", "gone is not there: no exception any more"]
