# SPDX-License-Identifier: MIT
"""The lint finds who asks what a domain is, besides permit() (scripts/lint.py)."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import lint  # noqa: E402


def findings(name, line):
    return [text for _, text in lint.check_c(name, [line])]


def test_who_asks():
    for line in ("    if (!v->domain->is_privileged) {", "    return d->is_console;", "    cfg.is_privileged = true;"):
        assert len(findings("hypervisor/core/hypercall/memory_op.c", line)) == 1
        assert len(findings("hypervisor/vdev/vpsci.c", line)) == 1
        assert findings("hypervisor/core/hypercall/permission.c", line) == []
        assert findings("tests/unit/test_event.c", line) == []


def test_allowed_files_are_there_and_ask():
    for name in lint.PRIVILEGE_ALLOWED:
        assert lint.PRIVILEGE.search((lint.TOP / name).read_text(encoding="utf-8")), name


def test_rights_come_from_rows():
    assert len(findings("hypervisor/core/hypercall/hypfs.c", "    rc = permit_call(RIGHT_CONTROL, v->domain);")) == 1
    assert len(findings("hypervisor/core/event/bind.c", "    return permit(RIGHT_PAIR, d, remote);")) == 1
    assert findings("hypervisor/core/hypercall/sched_op.c",
                    "    rc = permit(sched_right[SCHEDOP_remote_shutdown], v->domain, d);") == []
