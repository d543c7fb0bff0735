# SPDX-License-Identifier: MIT
"""The package, what is in it, and a machine for its scripts."""

import subprocess

import pytest

from machine import BUILD, TOP, Scratch, output


@pytest.fixture(scope="session")
def deb():
    subprocess.run([TOP / "scripts/deb.sh"], check=True)
    version = output("dpkg-parsechangelog", "-l", TOP / "debian/changelog", "-S", "Version").strip()
    return BUILD / "deb" / f"argon-hypervisor_{version}_arm64.deb"


@pytest.fixture(scope="session")
def unpacked(deb, tmp_path_factory):
    out = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "-R", deb, out], check=True)
    return out


@pytest.fixture(scope="session")
def version(deb):
    return output("dpkg-deb", "-f", deb, "Version").strip()


@pytest.fixture
def scratch(tmp_path, unpacked):
    return Scratch(tmp_path, unpacked)
