# SPDX-License-Identifier: MIT
"""Machines that the tests of a file share, and the names of logs."""

import re

import machine as machines


def log_name(request):
    name = request.node.nodeid if request.scope == "function" else f"{request.node.name}-{request.fixturename}"
    return re.sub(r"[^A-Za-z0-9_.=-]+", "-", name.replace("tests/system/", "")).strip("-")


def shared_machine(request, hypervisor, **fields):
    """Boot a machine for a module's fixture; a generator to delegate to with yield from."""
    fields.setdefault("hypervisor", hypervisor)
    with machines.Machine(machines.Options(**fields), log_name(request)) as made:
        note_log(request.node, made.log)
        made.boot()
        yield made


def note_log(node, log):
    if not hasattr(node, "console_logs"):
        node.console_logs = []
    node.console_logs.append(log)


def add_logs(item, report):
    """To a failure's report: the ends of the last console logs."""
    if not report.failed:
        return
    logs = []
    for node in item.listchain():
        logs += getattr(node, "console_logs", [])
    for log in logs[-2:]:
        tail = log.read_text(encoding="utf-8", errors="replace").split("\n")[-40:]
        report.sections.append((f"end of console log {log}", "\n".join(tail)))
