# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Shell functions shared by the scripts that unpack Debian packages. Source it; needs bash.

# The suite whose packages dom0, the guests and the sysroot are made of.
DEBIAN_SUITE=${DEBIAN_SUITE:-bookworm}
DEBIAN_MIRROR_DEFAULT=http://deb.debian.org/debian

# The main archive this host already uses for the suite, so that a local mirror is used where there is one.
# Only the main archive: mmdebstrap fails as a whole where one suite (security, say) lacks the architecture.
debian_mirror() {
    local mirror=""
    if [ -n "${DEBIAN_MIRROR:-}" ]; then
        mirror=$DEBIAN_MIRROR
    elif command -v apt-get >/dev/null; then
        # shellcheck disable=SC2016 # apt expands this, not the shell
        mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $DEBIAN_SUITE" 2>/dev/null | sort -u |
            head -n 1)
    fi
    echo "${mirror:-$DEBIAN_MIRROR_DEFAULT}"
}

# debian_extract ARCH OUT.tar PACKAGE...: unpack packages with their dependencies into a tar, running no maintainer
# script. OUT.tar appears only when complete.
debian_extract() {
    local arch=$1 out=$2 packages mirror log
    shift 2
    packages=$(IFS=,; echo "$*")
    mirror=$(debian_mirror)
    log=$(mktemp)
    if ! mmdebstrap --quiet --architectures="$arch" --variant=extract --include="$packages" \
            --mode="$(debian_mode)" --format=tar "$DEBIAN_SUITE" "$out.new" "deb $mirror $DEBIAN_SUITE main" \
            >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log" "$out.new"
        echo "error: cannot unpack $arch packages from $mirror ($packages)" >&2
        return 1
    fi
    rm -f "$log"
    mv "$out.new" "$out"
}

# Root needs no namespace; others use an unprivileged one where the kernel has it.
debian_mode() {
    if [ "$(id -u)" -eq 0 ]; then
        echo root
    else
        echo auto
    fi
}

# stamp_fresh FILE KEY: true where FILE records that its product was made from KEY.
stamp_fresh() {
    [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}

# take_lock FILE: hold FILE's lock until this shell ends, so that two builds do not trip over each other.
take_lock() {
    mkdir -p "$(dirname "$1")"
    exec 9>"$1"
    if ! flock -n 9; then
        echo "waiting for another run that holds $1"
        flock 9
    fi
}
