# SPDX-License-Identifier: MIT
"""The --hypervisor option, shared with other test folders that may define it first; options for every machine."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    try:
        parser.addoption("--hypervisor", default=str(ROOT / "build/argon-arm64"), help="image to test")
    except ValueError:
        pass
    parser.addoption("--guest-options", default="", help="for the hypervisor's command line, before each machine's own")


def pytest_configure(config):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    import runner  # noqa: E402  pylint: disable=import-outside-toplevel
    runner.common_options = config.getoption("--guest-options")
