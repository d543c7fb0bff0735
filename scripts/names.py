#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Functions and files that comments and documents name, and that are not there (any more). Prints file:line: name.

A function is what is written `name()` or `two_words(...)`; it is there if the word is anywhere in code. A file is there
if one of the tree ends so. Ends with 1 where one is not there.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
CODE = {".c", ".h", ".S", ".lds", ".inc", ".py", ".sh"}
# A string is no comment, whatever it begins with inside.
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.S)
HASH_COMMENT = re.compile(r"^\s*#[^\n]*", re.M)
CALL = re.compile(r"\b(?:([A-Za-z_]\w+)\(\)|([a-z][a-z0-9]*_[a-z0-9_]+)\()")
# With a folder, or of a kind that others' public headers are not.
FILE = re.compile(r"(?<![\w/.<*-])(?:(?:\.\./)*(\w[\w.-]*(?:/[\w.-]+)+\.(?:c|h|S|py|sh|md|toml))|"
                  r"(\w+\.(?:c|S|py|md|toml)))\b")
# Of others: Debian's Xen headers, QEMU, U-Boot, Linux; generated; placeholders.
ELSEWHERE = re.compile(r"(?:xen|hvm|hw|linux)/|include/image\.h|asm/offsets\.h|(?:.*/)?test_X\w*\.c|core/x\.c")


def sources():
    """All files of the tree, without what is generated."""
    found = [TOP / "Makefile", *TOP.glob("*.md")]
    for folder in ("hypervisor", "tests", "bench", "scripts", "docs", ".ci"):
        found += [p for p in (TOP / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return sorted(str(p.relative_to(TOP)) for p in found)


def split(name, text):
    """(code, [(line, comment)]) of a file."""
    suffix = pathlib.PurePath(name).suffix
    if suffix == ".md":
        return "", [(1, text)]
    if suffix not in CODE:
        return text, []
    pattern = HASH_COMMENT if suffix in (".py", ".sh") else COMMENT
    comments = [(text.count("\n", 0, m.start()) + 1, m[0]) for m in pattern.finditer(text) if m[0][0] != '"']
    return pattern.sub(lambda m: m[0] if m[0][0] == '"' else " ", text), comments


def missing(comment, words, files):
    """(offset, name) of what `comment` names and is not among these."""
    for m in CALL.finditer(comment):
        name = m[1] or m[2]
        if name not in words:
            yield m.start(), name + "()"
    for m in FILE.finditer(comment):
        name = m[1] or m[2]
        if not ELSEWHERE.match(name) and not any(f == name or f.endswith("/" + name) for f in files):
            yield m.start(), name


def main():
    files = sources()
    words, comments = set(), []
    for name in files:
        try:
            code, found = split(name, (TOP / name).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
        words.update(re.findall(r"[A-Za-z_]\w+", code))
        comments += [(name, line, text) for line, text in found]
    status = 0
    for name, line, text in comments:
        for offset, what in missing(text, words, files):
            print(f"{name}:{line + text.count(chr(10), 0, offset)}: {what} is not there")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
