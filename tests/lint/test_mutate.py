# SPDX-License-Identifier: MIT
"""scripts/mutate.py: what counts as killed, what survives, and what is an error and neither."""
import importlib.util
import pathlib

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("mutate", TOP / "scripts/mutate.py")
mutate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutate)


class Tree:
    """In place of a copy that is built: what its tests would say."""

    def __init__(self, path, failed="", error=""):
        self.path, self.failed, self.error = path, failed, error
        (path / "hypervisor").mkdir()
        (path / "tests/unit").mkdir(parents=True)
        (path / "hypervisor/a.c").write_text("one\ntwo\ntwo\n")
        (path / "tests/unit/test_a.c").write_text("")

    def baseline(self, tests):
        assert tests and "one" in (self.path / "hypervisor/a.c").read_text()

    def unit(self, tests):
        assert tests and "uno" in (self.path / "hypervisor/a.c").read_text()
        if self.error:
            raise mutate.BuildError(self.error)
        return self.failed


def entry(**changes):
    return {"id": "a/one", "file": "a.c", "old": "one", "new": "uno", "tests": ["test_a"]} | changes


def judge(tree, mutation):
    verdict = mutate.judge(tree, mutation, mutation["tests"])
    assert (tree.path / "hypervisor/a.c").read_text() == "one\ntwo\ntwo\n"
    return verdict


def test_killed_and_survived(tmp_path):
    tree = Tree(tmp_path, failed="test_a: one")
    assert judge(tree, entry()) == ("killed", "test_a: one")
    tree.failed = ""
    assert judge(tree, entry()) == ("survived", "")
    assert judge(tree, entry(survives="why")) == ("survived", "why")


@pytest.mark.parametrize("changes, why", [
    ({"old": "two"}, "2 times"), ({"old": "three"}, "0 times"), ({"file": "b.c"}, "no file"),
    ({"tests": ["test_b"]}, "no test test_b"), ({"tests": []}, "no test links"),
])
def test_does_not_fit(tmp_path, changes, why):
    verdict, detail = judge(Tree(tmp_path, failed="never run"), entry(**changes))
    assert verdict == "error" and why in detail


def test_does_not_build(tmp_path):
    assert judge(Tree(tmp_path, error="does not build"), entry()) == ("error", "does not build")


def test_reason_is_out_of_date(tmp_path):
    assert judge(Tree(tmp_path, failed="test_a: one"), entry(survives="why"))[0] == "error"
