#!/bin/bash
# SPDX-License-Identifier: MIT
# test-long.sh [mutate] [errata] [load]
# Tests that take too long for each commit. All that was built by `make test-long`; ends with 1 where one has failed.
#   mutate   every mutation of tests/mutations is killed by a test, or has a reason why not (hours on a loaded machine)
#   errata   the bare guest on all machines with every workaround active
#   load     LONG_RUNS (20) times the unit, guest and short system tests, with two busy processes for each CPU beside
#            them: a test that needs luck, or a fast host, fails here
cd "$(dirname "$0")/.." || exit 1
PYTEST=(/usr/bin/python3 -m pytest -p no:cacheprovider -q)
LOGS=build/logs/long
failed=
busy=()
mkdir -p "$LOGS"
trap 'stop_load; exit 1' INT TERM
trap stop_load EXIT

start_load() {
    for _ in $(seq $(($(nproc) * 2))); do
        sh -c 'while :; do :; done' &
        busy+=($!)
    done
}

stop_load() {
    [ ${#busy[@]} -eq 0 ] || kill "${busy[@]}" 2>/dev/null
    busy=()
}

# part NAME COMMAND...: its output goes to a log, one line says how it went.
part() {
    name=$1
    shift
    start=$(date +%s)
    if "$@" >"$LOGS/$name.log" 2>&1; then
        result=ok
    else
        result=FAILED
        failed="$failed $name"
    fi
    echo "  $result  $name, $(($(date +%s) - start)) s: $(tail -n 1 "$LOGS/$name.log")"
}

run_load() {
    start_load
    n=1
    while [ $n -le "${LONG_RUNS:-20}" ]; do
        part "load-unit-$n" make -s -C tests/unit
        part "load-guest-$n" "${PYTEST[@]}" tests/guest
        part "load-system-$n" "${PYTEST[@]}" tests/system -m "not long"
        n=$((n + 1))
    done
    stop_load
}

[ $# -gt 0 ] || set -- mutate errata load
for word in "$@"; do
    case $word in
    mutate) part mutate /usr/bin/python3 scripts/mutate.py ;;
    errata) part errata "${PYTEST[@]}" tests/guest --guest-options=errata=all ;;
    load) run_load ;;
    *)
        echo "unknown part: $word" >&2
        failed="$failed $word"
        ;;
    esac
done
if [ -n "$failed" ]; then
    echo "test-long: failed:$failed (logs in $LOGS)"
    exit 1
fi
echo "test-long: all passed"
