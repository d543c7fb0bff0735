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
