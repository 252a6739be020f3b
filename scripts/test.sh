#!/usr/bin/env bash
# Checks and tests everything. What the tests call is installed where that can be done (as root, with apt-get),
# else named. Outside CI (CI=true), two checks whose tools cannot be had quickly are skipped, and said to be.
set -euo pipefail
cd "$(dirname "$0")/.."

typos_version=1.52.0
cargo_deny_version=0.20.2
pyjwt_version=2.15.1
jose_version=6.2.18
syntropy_sdk_version=0.4.3
step="Preparation"
trap '[ $? = 0 ] || echo "Failed: $step." >&2' EXIT

run() { # run TITLE COMMAND...
    step=$1
    shift
    local start=$SECONDS
    printf '\n=== %s\n' "$step"
    "$@"
    printf '=== %s: done in %s s\n' "$step" $((SECONDS - start))
}

# Python: the first that has requests. The one on PATH need not be the one that Debian's package serves.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3 "$PWD/target/venv/bin/python"; do
        if "$candidate" -c 'import requests' 2>/dev/null; then
            export PYTHON=$candidate
            return
        fi
    done
    return 1
}

# The Debian packages of what is missing.
missing_packages() {
    local command package
    while read -r command package; do
        PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || echo "$package"
    done <<'END'
caddy caddy
cc build-essential
curl curl
haproxy haproxy
nginx nginx-light
node nodejs
npm npm
shellcheck shellcheck
sqlite3 sqlite3
wrk wrk
END
    find_python || echo python3-requests
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

install_from_pypi() {
    [ -x target/venv/bin/pip ] || python3 -m venv target/venv || return
    target/venv/bin/pip install --quiet --disable-pip-version-check "$1"
}

# What the tests use of other languages' packages: the libraries that check signed tokens, and an SDK.
install_libraries() {
    install_from_pypi "pyjwt[crypto]==$pyjwt_version"
    install_from_pypi "syntropy-sdk==$syntropy_sdk_version"
    [ -d "target/node/node_modules/jose" ] ||
        npm install --prefix target/node --no-audit --no-fund --loglevel=error "jose@$jose_version"
}

# Installs Debian packages, without what Debian does beside: it starts every server that it installs.
install_packages() {
    local policy=/usr/sbin/policy-rc.d made_policy=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        made_policy=1
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" >/dev/null || true
    [ -z "$made_policy" ] || rm -f "$policy"
}

# shellcheck disable=SC2086 # a list of packages is meant to fall into words
prepare() {
    if ! command -v cargo >/dev/null; then
        echo "Rust is missing: install 1.95 or later as https://rustup.rs says." >&2
        return 1
    fi
    local missing
    missing=$(missing_packages)
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing" $missing
        if apt-get -qq update; then
            install_packages $missing
        fi
    fi
    find_python || install_from_pypi requests || true
    missing=$(missing_packages)
    if [ -n "$missing" ]; then
        echo "The tests need what these Debian packages bring:" $missing >&2
        echo "Install them, on Debian with: sudo apt-get install" $missing >&2
        return 1
    fi
    find_python
    echo "$(cargo --version), node $(node --version), $("$PYTHON" --version) ($PYTHON)"
}

skip_outside_ci() {
    if [ "${CI:-}" = true ]; then
        echo "$1" >&2
        return 1
    fi
    echo "Skipped: $1"
}

check_spelling() {
    if command -v typos >/dev/null; then
        typos
    elif install_from_pypi "typos==$typos_version"; then
        target/venv/bin/typos
    else
        skip_outside_ci "typos is not installed (pip install typos)."
    fi
}

check_dependencies() {
    if ! command -v cargo-deny >/dev/null; then
        if [ "${CI:-}" != true ]; then
            echo "Skipped: cargo-deny is not installed (cargo install cargo-deny --locked)."
            return
        fi
        CARGO_TARGET_DIR=target/tools cargo install "cargo-deny@$cargo_deny_version" --locked
    fi
    cargo deny --locked check --hide-inclusion-graph licenses bans sources
}

run "Preparation" prepare
run "Libraries" install_libraries
run "Format" cargo fmt --all -- --check
run "Shell scripts" shellcheck .ci/run scripts/*.sh examples/*.sh
run "Links" scripts/check-links.sh
run "Spelling" check_spelling
run "Dependencies" check_dependencies
run "Lints" cargo clippy --all-targets --locked -- -D warnings
run "Documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --document-private-items
run "Tests" cargo test --locked
run "Benchmarks" scripts/bench.sh --smoke

printf '\nAll checks passed in %s min %s s.\n' $((SECONDS / 60)) $((SECONDS % 60))
