# SPDX-License-Identifier: MIT
"""What comments and documents name is there (scripts/names.py)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import names  # noqa: E402

FILES = ["hypervisor/core/event/event.c", "docs/design/exits.md", "hypervisor/include/argon/mem.h"]


def found(comment):
    return [name for _, name in names.missing(comment, {"event_send", "reg"}, FILES)]


def test_functions():
    assert found("/* As event_send(), but event_sent() does not. */") == ["event_sent()"]
    assert found("`event_send_all()` and event_send() of reg") == ["event_send_all()"]


def test_files():
    assert found("see event.c, core/event/event.c, [exits](../design/exits.md), argon/mem.h, <xen/xen.h>") == []
    assert found("see core/event/gone.c, gone.c and ABI.md 2.5") == ["core/event/gone.c", "gone.c", "ABI.md"]
    assert found("public event_channel.h, hw/intc/arm_gic.c, tests/unit/test_X.c: not ours") == []


def test_comments_only():
    code, comments = names.split("a.c", "char f[] = \"/*\";\n/* not\n * g() */ int h; // k()\n")
    assert "f" in code and "h" in code and "g" not in code
    assert [line for line, _ in comments] == [2, 3]
    assert names.split("a.py", "x = 1\n# y()\n")[1] == [(2, "# y()")]


def test_this_tree():
    assert names.main() == 0
