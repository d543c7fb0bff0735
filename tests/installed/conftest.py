# SPDX-License-Identifier: MIT
"""Options, fixtures and failure reports of the tests on an installed machine."""

import pathlib

import pytest

import installed
from sharing import add_logs, note_log  # through the path that installed has added


def pytest_addoption(parser):
    parser.addoption("--package", type=pathlib.Path, default=None,
                     help="the .deb to install; build/deb has the one of this tree")
    parser.addoption("--peer", action="store_true",
                     help="Debian's Xen in place of Argon, on the machines where it boots: tests the tests")


def pytest_configure(config):
    needed = [installed.DISK, installed.FIRMWARE_CODE]
    if config.getoption("--package") is not None:
        needed.append(config.getoption("--package"))
    for file in needed:
        if not file.exists():
            pytest.exit(f"{file} is missing: `make test-installed` makes or installs it", returncode=2)


@pytest.fixture(scope="session")
def package(request):
    """What is installed in dom0: a command, and the menu's name for the hypervisor."""
    if request.config.getoption("--peer"):
        return installed.PEER
    return installed.argon(request.config.getoption("--package"))


@pytest.fixture
def make_machine(request, tmp_path):
    """A function that makes a machine, not yet started, on a disk of its own over the common one."""
    def make(suffix="", **fields):
        name = f"installed-{request.node.name.replace('[', '-').rstrip(']')}{suffix}"
        made = installed.machine(tmp_path, name, **fields)
        note_log(request.node, made.log)
        return made
    return make


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    add_logs(item, outcome.get_result())
