#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutation tests: change one place of the hypervisor at a time, and see that a test notices.

The mutations stand in tests/mutations/*.toml: file, the text there (found exactly once), what it becomes, optionally
`tests` (unit tests, instead of all that link the file), `guest` (bare-guest tests, where no unit test can see it), and
`survives` (why nothing can or need notice). Each is applied in a copy of the tree below build/mutate, one copy a job.
First the tests must pass without any. What is not found, does not build (warnings do not count), names no test, or dies
although it is said to survive is an error: never "killed".

    scripts/mutate.py                        all; ends with 1 where one survives that has no reason, or at an error
    scripts/mutate.py event sched/wake       those whose id or file contains one of these
    scripts/mutate.py list:event             those of event.toml
    scripts/mutate.py --fits                 only look whether all are found: a second
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
BUILD_TIMEOUT = 600
GUEST_TIMEOUT = 300


def tests_of(tree):
    """File below hypervisor/ -> unit tests that link or include it."""
    out = {}
    for test in sorted((tree / "tests/unit").glob("test_*.c")):
        text = test.read_text(encoding="utf-8")
        of = test.with_name(f"{test.stem.removesuffix('_arm')}.c")
        if of != test and of.exists():           # as in tests/unit/Makefile
            text += of.read_text(encoding="utf-8")
        files = " ".join(re.findall(r"^/\* unit-sources: *(.*?) *\*/", text, re.M)).split()
        files += re.findall(r'#include "\.\./\.\./hypervisor/([^"]+\.c)"', text)
        if "unit-sanitize: thread" in text:
            continue
        for file in files:
            out.setdefault(file, []).append(test.stem)
    return out


class BuildError(Exception):
    """What does not build has been seen by no test."""


class Tree:
    """A copy of the sources with a build folder of its own."""

    def __init__(self, work, number):
        self.path = work / f"tree{number}"
        self.path.mkdir(parents=True, exist_ok=True)
        self.limits = {}                 # test -> seconds, of those that have passed without a mutation
        # Without times: a file that an earlier run left mutated becomes newer than what was built of it.
        for name in COPIED:
            subprocess.run(["rsync", "-rlp", "--delete", "--checksum", "--exclude=__pycache__", f"{TOP / name}",
                            f"{self.path}/"], check=True)
        build = self.path / "build"
        build.mkdir(exist_ok=True)
        for name in ("sysroot-arm64", ".sysroot-arm64.stamp", "images"):
            link = build / name
            if not link.is_symlink() and (TOP / "build" / name).exists():
                link.symlink_to(TOP / "build" / name)

    def make(self, *arguments):
        try:
            built = subprocess.run(["make", "-s", *arguments], cwd=self.path, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, timeout=BUILD_TIMEOUT, check=False)
        except subprocess.TimeoutExpired as e:
            raise BuildError("does not build: time-out") from e
        if built.returncode != 0:
            raise BuildError("does not build: " + (re.search(r"(error|\*\*\*): .*", built.stdout) or ["?"])[0])

    def build(self, tests):
        # A mutation may leave something unused: that no compiler warns of it in time is part of the question.
        # TESTS: that only these are read of the Makefile, whose reading takes longer than one file's compilation.
        programs = (f"{self.path}/build/tests/unit/{test}" for test in tests)
        self.make("-C", "tests/unit", "WARN_HYP=-w", "WARN_ALL=-w", "TESTS=" + " ".join(tests), *programs)

    def run(self, test, limit):
        """'' if it passes, else what failed."""
        done = subprocess.run(["tests/unit/run.sh", f"build/tests/unit/{test}"], cwd=self.path, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, "UNIT_TIMEOUT": str(limit)})
        return (re.search(r"FAIL\s+(.*)", done.stdout) or [None, test])[1] if done.returncode != 0 else ""

    def baseline(self, tests):
        """Without a mutation all pass, and how long they take."""
        new = [test for test in tests if test not in self.limits]
        if new:
            self.build(new)
        for test in new:
            start = time.monotonic()
            failed = self.run(test, 300)
            if failed:
                raise BuildError(f"fails without it: {failed}")
            self.limits[test] = 10 + int(5 * (time.monotonic() - start))

    def unit(self, tests):
        """'' if all pass, else what failed."""
        self.build(tests)
        return next((failed for failed in (self.run(test, self.limits[test]) for test in tests) if failed), "")

    def guest(self, only):
        """The same with the bare guest, on both GICs."""
        self.make("image")
        self.make("-C", "tests/guest")
        for gic in ("3", "2"):
            try:
                done = subprocess.run([sys.executable, "tests/guest/runner.py", "--gic", gic, "--smp", "2", "--args",
                                       f"only={only}"], cwd=self.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, timeout=GUEST_TIMEOUT, check=False)
            except subprocess.TimeoutExpired:
                return f"guest {only}, GICv{gic}: time-out"
            if done.returncode != 0:
                return f"guest {only}, GICv{gic}"
        return ""


def misfit(tree, mutation):
    """Why the mutation cannot be made; '' if it can."""
    file = tree / "hypervisor" / mutation["file"]
    if not file.is_file():
        return f"no file {mutation['file']}"
    count = file.read_text(encoding="utf-8").count(mutation["old"])
    if count != 1:
        return f"its text is there {count} times, not once"
    missing = [test for test in mutation.get("tests", []) if not (tree / f"tests/unit/{test}.c").is_file()]
    return f"no test {missing[0]}" if missing else ""


def judge(tree, mutation, tests):
    """(verdict, detail): killed, survived, or error."""
    why = misfit(tree.path, mutation)
    if not why and not tests and not mutation.get("guest"):
        why = "no test links the file"
    if why:
        return "error", why
    file = tree.path / "hypervisor" / mutation["file"]
    before = file.read_text(encoding="utf-8")
    try:
        tree.baseline(tests)
        file.write_text(before.replace(mutation["old"], mutation["new"]), encoding="utf-8")
        failed = tree.unit(tests)
        if not failed and mutation.get("guest"):
            failed = tree.guest(mutation["guest"])
    except BuildError as e:
        return "error", str(e)
    finally:
        file.write_text(before, encoding="utf-8")
    if failed and mutation.get("survives"):
        return "error", f"said to survive, but killed: {failed}"
    return ("killed", failed) if failed else ("survived", mutation.get("survives", ""))


def run(mutations, options, tell):
    """Judge all; tell(mutation, verdict, detail) after each."""
    trees = queue.SimpleQueue()
    for number in range(options.jobs):
        trees.put(Tree(options.work.resolve(), number))
    by_file = tests_of(TOP)

    def one(mutation):
        tree = trees.get()
        try:
            return mutation, *judge(tree, mutation, mutation.get("tests") or by_file.get(mutation["file"], []))
        finally:
            trees.put(tree)

    out = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(one, mutation) for mutation in mutations]):
            out.append(done.result())
            tell(*out[-1])
    return out


def load(words):
    mutations = []
    for file in sorted(LISTS.glob("*.toml")):
        try:
            new = tomllib.loads(file.read_text(encoding="utf-8")).get("mutation", [])
        except tomllib.TOMLDecodeError as e:
            sys.exit(f"{file.relative_to(TOP)}: {e}")
        mutations += [mutation | {"list": f"list:{file.stem}"} for mutation in new]
    ids = [mutation["id"] for mutation in mutations]
    if len(set(ids)) != len(ids):
        sys.exit(f"an id stands twice: {sorted(i for i in set(ids) if ids.count(i) > 1)}")
    return [m for m in mutations
            if not words or any(word in m["id"] or word in m["file"] or word == m["list"] for word in words)]


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

    out = run(mutations, options, tell)
    print(f"# {len(out)} tried, {sum(v == 'survived' for _, v, _ in out)} survived, "
          f"{sum(v == 'error' for _, v, _ in out)} do not build")


def check(options):
    mutations, start = load(options.words), time.monotonic()

    def tell(mutation, verdict, detail):
        print(f"  {verdict.upper():8}  {mutation['id']}: {detail}", flush=True)

    out = run(mutations, options, tell)
    survived = [m for m, verdict, _ in out if verdict == "survived"]
    errors = [m for m, verdict, _ in out if verdict == "error"]
    unexplained = [m["id"] for m in survived if not m.get("survives")]
    for mutation in survived:
        print(f"  survivor  {mutation['id']}: {mutation.get('survives') or 'NO REASON GIVEN'}")
    print(f"mutate: {len(out)} mutations, {len(out) - len(survived) - len(errors)} killed, {len(survived)} survived "
          f"({len(unexplained)} without a reason), {len(errors)} errors, in {time.monotonic() - start:.0f} s")
    return 1 if unexplained or errors or len(survived) > MAX_SURVIVORS * len(out) else 0


def fits(options):
    bad = [(m, why) for m in load(options.words) if (why := misfit(TOP, m))]
    for mutation, why in bad:
        print(f"  ERROR     {mutation['id']}: {why}")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="part of an id or file")
    parser.add_argument("--generate", nargs="+", metavar="FILE", help="below hypervisor/")
    parser.add_argument("--count", type=int, default=10, help="candidates a file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fits", action="store_true", help="only look whether all are found")
    parser.add_argument("--work", type=pathlib.Path, default=WORK, help="where the copies are; for one run at a time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.fits:
        return fits(options)
    if shutil.which("rsync") is None:
        sys.exit("rsync is missing: scripts/setup.sh installs it")
    if options.generate:
        generate(options)
        return 0
    return check(options)


if __name__ == "__main__":
    sys.exit(main())
