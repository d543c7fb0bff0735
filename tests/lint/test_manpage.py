# SPDX-License-Identifier: MIT
"""argon(8) has every option of the hypervisor's table, and no other, each where it belongs."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
ACCEPTED = "Accepted without effect"
UNSUPPORTED = "Known to Xen and not supported"


def table(text):
    """name -> parser of each row of options[]."""
    rows = re.search(r"static const struct option options\[\] = \{\n(.*?)\n\};", text, re.S).group(1)
    return dict(re.findall(r'^    \{ "([^"]+)", (\w+),', rows, re.M))


def page(text):
    """name -> title of its section, for the options of the section OPTIONS."""
    options = re.search(r'^\.SH OPTIONS\n(.*?)^\.SH ', text, re.M | re.S).group(1).replace("\\-", "-")
    out = {}
    for part in re.split(r"^\.SS ", options, flags=re.M)[1:]:
        title, body = part.split("\n", 1)
        for line in re.findall(r"^\.T[PQ]\n(\.B\w* .*)", body, re.M):
            names = re.findall(r"[\w-]+", line.split(None, 1)[1]) if line.startswith(".B ") else [
                re.match(r"\.B\w* ([\w-]+)=", line).group(1)]
            assert not set(names) & set(out), f"twice: {names}"
            out.update(dict.fromkeys(names, title))
    return out


def test_every_option_and_no_other():
    rows = table((TOP / "hypervisor/boot/options.c").read_text())
    documented = page((TOP / "docs/argon.8").read_text())
    assert len(rows) > 40
    assert set(rows) - set(documented) == set(), "options that docs/argon.8 lacks"
    assert set(documented) - set(rows) == set(), "options of docs/argon.8 that there are not"
    wrong = []
    for name, parser in rows.items():
        section = {"parse_accepted": ACCEPTED, "parse_unsupported": UNSUPPORTED}.get(parser)
        if documented[name] != section and (section or documented[name] in (ACCEPTED, UNSUPPORTED)):
            wrong.append(f"{name} ({parser}) stands under {documented[name]!r}")
    assert wrong == []


def test_reader_of_the_page():
    text = (".SH OPTIONS\n.SS A\n.TP\n.BI hmp\\-unsafe= bool\nx\n.TP\n.BR sched= a | b\n"
            ".SS B\n.TP\n.B edd no\\-real\\-mode\n.TQ\n.B z\n.SH X\n")
    assert page(text) == {"hmp-unsafe": "A", "sched": "A", "edd": "B", "no-real-mode": "B", "z": "B"}


@pytest.mark.parametrize("name", ["argon.8", "argon-efi-boot.8"])
def test_pages_are_well_formed(name):
    try:
        done = subprocess.run(["man", "--warnings", "-l", TOP / "docs" / name], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat"})
    except FileNotFoundError:
        pytest.skip("no man")
    assert done.returncode == 0 and done.stderr == "", done.stderr
