#!/bin/sh
# SPDX-License-Identifier: MIT
# link.sh OUT "FLAGS" "LIBS" OBJECT...
# Link a unit test. Symbols that nothing defines become stubs that fail the test when they are called. They are kept in
# OUT.stubs.o: as long as nothing else is missing one link is enough. Weak: what is defined by now comes first.
set -e
out=$1 flags=$2 libs=$3
shift 3
cc=${HOSTCC:-gcc}
stubs=$out.$$.stubs.c
log=$out.$$.link.log
trap 'rm -f "$stubs" "$stubs.o" "$log" "$out.$$"' EXIT
# $flags and $libs are lists of words.
if [ -f "$out.stubs.o" ] && $cc $flags -o "$out.$$" "$@" "$out.stubs.o" $libs 2>/dev/null; then
    mv -f "$out.$$" "$out"
    exit 0
fi
rm -f "$out.stubs.o"
$cc $flags -Wl,--warn-unresolved-symbols -o "$out.$$" "$@" $libs 2>"$log" || { cat "$log" >&2; exit 1; }
if ! grep -q 'undefined reference to' "$log"; then
    mv -f "$out.$$" "$out"
    exit 0
fi
{
    echo '/* Generated: functions that this test does not link. */'
    echo '__attribute__((noreturn)) void unit_unexpected_call(const char *fn);'
    sed -n "s/.*undefined reference to \`\([A-Za-z0-9_]*\)'.*/\1/p" "$log" | sort -u | while read -r name; do
        echo "__attribute__((weak)) void $name(void); void $name(void) { unit_unexpected_call(\"$name\"); }"
    done
} >"$stubs"
$cc -c -w -fno-builtin -o "$stubs.o" "$stubs"
$cc $flags -o "$out.$$" "$@" "$stubs.o" $libs
mv -f "$stubs.o" "$out.stubs.o"
mv -f "$out.$$" "$out"
