# Owns what every script does the same way: saying, stopping, and installing what is missing.
# Sourced by scripts/test, scripts/bench, scripts/demo, after `set -euo pipefail`.
# Never installs Swift, and never starts a service.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# say TEXT…: one line of progress, set apart from the noise of the tools.
say() { printf '\n== %s\n' "$*"; }

# die TEXT…: one clear line, and the end.
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "must be root (or have sudo) for: $*"
    fi
}

need_swift() {
    local known
    if ! have swift; then
        for known in /opt/swift/usr/bin "$HOME/.local/share/swiftly/bin" /usr/local/swift/usr/bin; do
            if [ -x "$known/swift" ]; then
                PATH="$known:$PATH"
                export PATH
                return
            fi
        done
        die "Swift 6.3 or newer is needed and was not found; install it from https://www.swift.org/install/linux/ and run this again"
    fi
}

# need_apt PACKAGE…: installs those that are missing. Daemons that a package would start on its
# own (nginx, redis-server) stay down: the scripts start their own copies on free ports.
need_apt() {
    local package missing=()
    for package in "$@"; do
        if ! have dpkg-query; then
            die "needs $* (only Debian and its kin are installed to by themselves; install these yourself)"
        fi
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    say "installing with apt-get: ${missing[*]}"
    (
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
            as_root sh -c \
                'printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
        fi
        apt_install "${missing[@]}"
    ) || die "apt-get could not install: ${missing[*]}"
}

# Package lists are fetched only where the packages can't be had without.
apt_install() {
    local quietly="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    as_root $quietly install -y --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    as_root $quietly update && as_root $quietly install -y --no-install-recommends "$@"
}

# need_venv NAME REQUIREMENTS: a virtual environment in .venv/NAME with just these packages, made
# anew when the file or the Python changes. Sets VENV to its folder.
need_venv() {
    local name="$1" requirements="$2" python=python3 stamp
    if ! have python3 || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        need_apt python3 python3-venv
        python=/usr/bin/python3
    fi
    VENV="$ROOT/.venv/$name"
    stamp="$({ "$python" --version; cat "$requirements"; } | sha256sum | cut -d' ' -f1)"
    [ "$(cat "$VENV/stamp" 2>/dev/null)" = "$stamp" ] && return 0

    say "installing Python packages of $(realpath --relative-to="$ROOT" "$requirements") into .venv/$name"
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || die "python3 -m venv failed; is python3-venv installed?"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" ||
        die "pip could not install $requirements"
    printf '%s\n' "$stamp" >"$VENV/stamp"
}
