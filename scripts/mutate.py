#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutation tests: change one place of the hypervisor at a time, and see that a test notices.

The mutations stand in tests/mutations/*.toml: file, the text there (found exactly once), what it becomes, optionally
`tests` (unit tests, instead of all that link the file), `guest` (bare-guest tests, where no unit test can see it), and
`survives` (why nothing can or need notice). Each is applied in a copy of the tree below build/mutate, one copy a job.

    scripts/mutate.py                        all; ends with 1 where one survives that has no reason, or is out of date
    scripts/mutate.py event sched/wake       those whose id or file contains one of these
    scripts/mutate.py --generate core/sched/wake.c --count 20    candidates by operator, tried at once, as TOML
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import random
import re
import shutil
import subprocess
import sys
import time
import tomllib

TOP = pathlib.Path(__file__).resolve().parents[1]
LISTS = TOP / "tests/mutations"
WORK = TOP / "build/mutate"
COPIED = ("Makefile", "hypervisor", "tests", "scripts")
MAX_SURVIVORS = 0.05
TIMEOUT = 300


def tests_of(tree):
    """File below hypervisor/ -> unit tests that link or include it."""
    out = {}
    for test in sorted((tree / "tests/unit").glob("test_*.c")):
        text = test.read_text(encoding="utf-8")
        files = " ".join(re.findall(r"^/\* unit-sources: *(.*?) *\*/", text, re.M)).split()
        files += re.findall(r'#include "\.\./\.\./hypervisor/([^"]+\.c)"', text)
        if "unit-sanitize: thread" in text:
            continue
        for file in files:
            out.setdefault(file, []).append(test.stem)
    return out


class Tree:
    """A copy of the sources with a build folder of its own."""

    def __init__(self, number):
        self.path = WORK / f"tree{number}"
        self.path.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            # Times stay: what is put back after a mutation must look newer than what was built of that.
            subprocess.run(["rsync", "-a", "--no-times", "--delete", "--checksum", "--exclude=__pycache__",
                            f"{TOP / name}", f"{self.path}/"], check=True)
        build = self.path / "build"
        build.mkdir(exist_ok=True)
        for name in ("sysroot-arm64", ".sysroot-arm64.stamp", "images"):
            link = build / name
            if not link.is_symlink() and (TOP / "build" / name).exists():
                link.symlink_to(TOP / "build" / name)

    def make(self, *arguments):
        return subprocess.run(["make", "-s", *arguments], cwd=self.path, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT, check=False)

    def unit(self, tests):
        """'' if all pass, else what failed; 'build' where it does not compile."""
        built = self.make("-C", "tests/unit", *(f"{self.path}/build/tests/unit/{test}" for test in tests))
        if built.returncode != 0:
            return "build: " + (re.search(r"error: .*", built.stdout) or ["?"])[0]
        for test in tests:
            run = subprocess.run(["tests/unit/run.sh", f"build/tests/unit/{test}"], cwd=self.path,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT,
                                 check=False, env={**os.environ, "UNIT_TIMEOUT": "30"})
            if run.returncode != 0:
                return (re.search(r"FAIL\s+(.*)", run.stdout) or [None, test])[1]
        return ""

    def guest(self, only):
        """The same with the bare guest, on both GICs."""
        built = self.make("image")
        if built.returncode != 0:
            return "build: " + (re.search(r"error: .*", built.stdout) or ["?"])[0]
        self.make("-C", "tests/guest")
        for gic in ("3", "2"):
            run = subprocess.run([sys.executable, "tests/guest/runner.py", "--gic", gic, "--smp", "2", "--args",
                                  f"only={only}"], cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, timeout=TIMEOUT, check=False)
            if run.returncode != 0:
                return f"guest {only}, GICv{gic}"
        return ""


def apply(tree, mutation):
    """The file's text before; None where the mutation no longer fits."""
    file = tree.path / "hypervisor" / mutation["file"]
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return None
    if text.count(mutation["old"]) != 1:
        return None
    file.write_text(text.replace(mutation["old"], mutation["new"]), encoding="utf-8")
    return text


def judge(tree, mutation, tests):
    """(verdict, detail): killed, survived, or stale (does not fit or compile)."""
    before = apply(tree, mutation)
    if before is None:
        return "stale", "the text is not there exactly once"
    try:
        failed = tree.unit(mutation.get("tests") or tests) if mutation.get("tests", tests) else ""
        if not failed and mutation.get("guest"):
            failed = tree.guest(mutation["guest"])
    except subprocess.TimeoutExpired:
        failed = "time-out"
    finally:
        (tree.path / "hypervisor" / mutation["file"]).write_text(before, encoding="utf-8")
    if failed.startswith("build: "):
        return "stale", failed
    return ("killed", failed) if failed else ("survived", mutation.get("survives", ""))


def run(mutations, jobs, tell):
    """Judge all; tell(mutation, verdict, detail) after each."""
    trees = queue.SimpleQueue()
    for number in range(jobs):
        trees.put(Tree(number))
    by_file = tests_of(TOP)

    def one(mutation):
        tree = trees.get()
        try:
            return mutation, *judge(tree, mutation, by_file.get(mutation["file"], []))
        finally:
            trees.put(tree)

    out = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(one, mutation) for mutation in mutations]):
            out.append(done.result())
            tell(*out[-1])
    return out


def load(words):
    mutations = []
    for file in sorted(LISTS.glob("*.toml")):
        mutations += tomllib.loads(file.read_text(encoding="utf-8")).get("mutation", [])
    ids = [mutation["id"] for mutation in mutations]
    if len(set(ids)) != len(ids):
        sys.exit(f"an id stands twice: {sorted(i for i in set(ids) if ids.count(i) > 1)}")
    return [m for m in mutations if not words or any(word in m["id"] or word in m["file"] for word in words)]


# ---- candidates ----
OPERATORS = [(r"(?<=[\w)\]]) < (?=[\w(])", " <= "), (r"(?<=[\w)\]]) <= (?=[\w(])", " < "),
             (r"(?<=[\w)\]]) > (?=[\w(])", " >= "), (r"(?<=[\w)\]]) >= (?=[\w(])", " > "),
             (r" == ", " != "), (r" != ", " == "), (r" && ", " || "),
             (r" \|\| ", " && "), (r" \+ 1\b", ""), (r" - 1\b", ""), (r"(?<=[(\s])!(?=[\w(])", ""), (r" \|= ", " = "),
             (r"return -E\w+;", "return 0;"), (r"\bfalse\b", "true"), (r"\btrue\b", "false")]
STATEMENT = re.compile(r"^(\s{4,})(?!return|break|continue|goto|case|else|do\b|\(void\))"
                       r"[\w(*][^=]*?(\(.*\)|[-+|&]?= [^;]+);\s*$")
DECLARATION = re.compile(r"^\s*(const |static |struct |enum |u8|u16|u32|u64|s64|s32|s16|bool|int|unsigned|mfn_t|gfn_t|"
                         r"void|size_t|char|paddr_t|long)[\w *]*\**\w+( =|;|\[)")
SKIPPED = re.compile(r"^\s*(/\*|\*|#|\"|ASSERT|BUILD_|static_assert|con_printf|log_|panic|printf)|unlikely\(0\)")


def candidates(file, count, seed):
    lines = (TOP / "hypervisor" / file).read_text(encoding="utf-8").splitlines()
    found, inside = [], False
    for number, line in enumerate(lines):
        inside = inside or line.startswith("{")
        if line.startswith("}"):
            inside = False
        code = line.split("/*")[0].rstrip()
        if not inside or SKIPPED.match(line) or not code.strip():
            continue
        for pattern, new in OPERATORS:
            found += [(number, line[:m.start()] + new + line[m.end():]) for m in re.finditer(pattern, code)]
        if STATEMENT.match(code) and not DECLARATION.match(code):
            found.append((number, re.match(r"\s*", line)[0] + ";"))
    random.Random(seed).shuffle(found)
    out = []
    for number, new in found[:count]:
        first, last = number, number
        while "\n".join(lines).count("\n".join(lines[first:last + 1])) != 1 and last - first < 8:
            first, last = max(first - 1, 0), min(last + 1, len(lines) - 1)
        changed = [new if at == number else lines[at] for at in range(first, last + 1)]
        out.append({"id": f"{file.removesuffix('.c')}:{number + 1}", "file": file,
                    "old": "\n".join(lines[first:last + 1]), "new": "\n".join(changed)})
    return out


def as_toml(mutation):
    text = "".join(f"{key} = '''\n{value}'''\n" if key in ("old", "new") else f'{key} = "{value}"\n'
                   for key, value in mutation.items())
    return "[[mutation]]\n" + text


def generate(options):
    mutations = [m for file in options.generate for m in candidates(file, options.count, options.seed)]
    seen = set()
    for mutation in mutations:
        while mutation["id"] in seen:
            mutation["id"] += "+"
        seen.add(mutation["id"])

    def tell(mutation, verdict, detail):
        print(f"# {verdict}: {detail}\n{as_toml(mutation)}", flush=True)

    out = run(mutations, options.jobs, tell)
    print(f"# {len(out)} tried, {sum(v == 'survived' for _, v, _ in out)} survived, "
          f"{sum(v == 'stale' for _, v, _ in out)} do not compile")


def check(options):
    mutations, start = load(options.words), time.monotonic()

    def tell(mutation, verdict, detail):
        print(f"  {verdict.upper():8}  {mutation['id']}: {detail}", flush=True)

    out = run(mutations, options.jobs, tell)
    survived = [m for m, verdict, _ in out if verdict == "survived"]
    stale = [m for m, verdict, _ in out if verdict == "stale"]
    unexplained = [m["id"] for m in survived if not m.get("survives")]
    print(f"mutate: {len(out)} mutations, {len(out) - len(survived) - len(stale)} killed, {len(survived)} survived "
          f"({len(unexplained)} without a reason), {len(stale)} out of date, in {time.monotonic() - start:.0f} s")
    return 1 if unexplained or stale or len(survived) > MAX_SURVIVORS * len(out) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="part of an id or file")
    parser.add_argument("--generate", nargs="+", metavar="FILE", help="below hypervisor/")
    parser.add_argument("--count", type=int, default=10, help="candidates a file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if shutil.which("rsync") is None:
        sys.exit("rsync is missing: scripts/setup.sh installs it")
    if options.generate:
        generate(options)
        return 0
    return check(options)


if __name__ == "__main__":
    sys.exit(main())
