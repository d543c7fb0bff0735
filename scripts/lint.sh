#!/bin/bash
# SPDX-License-Identifier: MIT
# All lints: house rules, shell scripts, Python. Ends with 1 where one finds something.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1
status=0

echo "lint: house rules"
/usr/bin/python3 scripts/lint.py || status=1

echo "lint: shell scripts"
mapfile -t scripts < <(find scripts tests bench tools .ci -type f -not -path '*/__pycache__/*' \
    -exec grep -lE '^#!/bin/(ba)?sh' {} + 2>/dev/null)
shellcheck -S warning -x -P SCRIPTDIR/.. -P . "${scripts[@]}" || status=1

echo "lint: Python"
mapfile -t sources < <(find scripts tests bench tools -name '*.py' 2>/dev/null)
/usr/bin/python3 -m pyflakes "${sources[@]}" || status=1

echo "lint: tests of these"
/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/lint || status=1

[ $status -eq 0 ] && echo "lint: nothing found"
exit $status
