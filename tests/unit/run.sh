#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh TEST...: run unit test programs, print a line a test and the output of those that fail, and at the end
# "N passed, N failed".
#
# UNIT_TIMEOUT: seconds of CPU for each, and five times as many on the clock, for one that waits and does nothing: how
# busy the machine is does not decide.
passed=0 failed=0
limit=${UNIT_TIMEOUT:-120}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
UNIT_DIR=$(dirname "$0")
export UNIT_DIR                          # where tests find files of theirs
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
for t in "$@"; do
    name=$(basename "$t")
    (
        ulimit -t "$limit"
        exec timeout $((5 * limit)) "$t"
    ) >"$log" 2>&1
    rc=$?
    p=$(grep -c '^ok ' "$log")
    f=$(grep -c '^not ok ' "$log")
    sed -n "s/^ok [0-9]* - /  PASS  $name: /p; s/^not ok [0-9]* - /  FAIL  $name: /p" "$log"
    plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | head -n 1)
    # A sanitizer report, a crash or a time-out is a failure of its own.
    if { [ $rc -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f)) -lt "${plan:-1}" ]; then
        f=$((f + 1))
        echo "  FAIL  $name: ended with status $rc"
    fi
    [ "$f" -eq 0 ] || grep -v '^ok ' "$log"
    passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
