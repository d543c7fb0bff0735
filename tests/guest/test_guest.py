# SPDX-License-Identifier: MIT
"""Run the bare payload over machines: GIC versions, vCPU counts, CPU models; each check that fails is in the message.

On Debian's Xen (any image whose name starts with "xen") the checks listed in xen_differs.txt may fail.
"""
import pathlib
import re
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import runner  # noqa: E402

# (gic, vCPUs = pCPUs unless options say otherwise, CPU model, hypervisor options)
MACHINES = {
    "v3-1-a57": dict(gic=3, smp=1),
    "v3-2-a53": dict(gic=3, smp=2, cpu="cortex-a53"),
    "v3-4-a57": dict(gic=3, smp=4),
    "v3-2-max": dict(gic=3, smp=2, cpu="max"),
    "v3-2on1-a57": dict(gic=3, smp=1, options="dom0_max_vcpus=2"),
    "v3-1-max": dict(gic=3, smp=1, cpu="max"),
    "v2-1-a53": dict(gic=2, smp=1, cpu="cortex-a53"),
    "v2-2-a57": dict(gic=2, smp=2),
    "v2-4-max": dict(gic=2, smp=4, cpu="max"),
    "v2-2on1-a57": dict(gic=2, smp=1, options="dom0_max_vcpus=2"),
}
ENDS = {"poweroff": "", "reboot": "end=reboot", "crash": "end=crash", "psci_off": "end=psci_off", "psci_reset": "end=psci_reset"}


def xen_differs():
    """Names of checks that may fail on Xen, and of tests that hang there."""
    lines = [line.split() for line in (HERE / "xen_differs.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {x[0] for x in lines}, [x[0] for x in lines if x[1:] == ["hang"]]


def known_failures():
    """Checks, or tests as a whole, that fail on Argon now and then: work to do, each line is to go."""
    lines = (HERE / "known_failures.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


@pytest.fixture(name="hypervisor")
def hypervisor_fixture(request):
    path = pathlib.Path(request.config.getoption("--hypervisor"))
    if not path.exists():
        pytest.fail(f"no hypervisor at {path}: run make first")
    if not runner.IMAGE.exists():
        pytest.fail(f"no payload at {runner.IMAGE}: run make -f tests/guest/Makefile first")
    return path


@pytest.mark.parametrize("machine", MACHINES)
def test_checks(hypervisor, machine):
    is_xen = hypervisor.name.startswith("xen")
    may_fail, hangs = xen_differs() if is_xen else (known_failures(), [])
    args = "skip=" + "+".join(hangs) if hangs else ""
    report = runner.run(f"{hypervisor.name}-{machine}", hypervisor, args=args, **MACHINES[machine])
    failures = {name: text for name, text in report.failures.items()
                if re.sub(r"\[.*", "", name) not in may_fail and name.split("/")[0] not in may_fail}
    message = "\n".join(f"{name}: {text}" for name, text in failures.items())
    assert report.closing, f"stopped in {report.last_test()}, log {report.log}\n{message}"
    assert not failures, f"{len(failures)} checks failed, log {report.log}\n{message}"
    assert report.passed, f"nothing ran, log {report.log}"
    assert report.exited == 0, f"QEMU did not end by poweroff, log {report.log}"


@pytest.mark.parametrize("end", ENDS)
def test_end(hypervisor, end):
    """Each way to end dom0 ends the machine."""
    report = runner.run(f"{hypervisor.name}-end-{end}", hypervisor, args="only=entry.counters " + ENDS[end], timeout=30)
    assert report.closing, f"payload did not finish, log {report.log}"
    assert report.exited == 0, f"machine still runs, log {report.log}"
    assert "still alive" not in report.text, f"shutdown returned, log {report.log}"
