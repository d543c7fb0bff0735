# SPDX-License-Identifier: MIT
"""The --hypervisor option, shared with other test folders that may define it first."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    try:
        parser.addoption("--hypervisor", default=str(ROOT / "build/argon-arm64"), help="image to test")
    except ValueError:
        pass
