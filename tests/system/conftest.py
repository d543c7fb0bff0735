# SPDX-License-Identifier: MIT
"""Options, fixtures and failure reports of the system tests."""

import pathlib
import shutil

import pytest

import machine as machines
import uefi
from sharing import add_logs, log_name, note_log


def pytest_addoption(parser):
    parser.addoption("--hypervisor", type=pathlib.Path, default=machines.ARGON,
                     help="image to test; build/images/xen-4.17-arm64 is the one to compare with")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes more than a minute")
    for needed in (config.getoption("--hypervisor"), machines.IMAGES / "vmlinuz", machines.IMAGES / "dom0.cpio"):
        if not needed.exists():
            pytest.exit(f"{needed} is missing: build it with make and scripts/images/build.sh", returncode=2)


@pytest.fixture(scope="session")
def hypervisor(request):
    return request.config.getoption("--hypervisor").resolve()


@pytest.fixture(scope="session")
def on_xen(hypervisor):
    """True where the tests run on Xen instead of Argon, for what Argon is to do better."""
    return hypervisor.name.startswith("xen-")


@pytest.fixture
def make_machine(request, hypervisor):
    """A function that makes a machine for this test, not yet started, from machine.Options' fields."""
    def make(suffix="", **fields):
        fields.setdefault("hypervisor", hypervisor)
        made = machines.Machine(machines.Options(**fields), log_name(request) + suffix)
        note_log(request.node, made.log)
        return made
    return make


@pytest.fixture
def uefi_disk(request, hypervisor):
    made = uefi.Disk(machines.BUILD / "tests" / "system" / request.node.name, hypervisor)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    add_logs(item, outcome.get_result())
