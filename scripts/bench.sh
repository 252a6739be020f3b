#!/usr/bin/env bash
# Measures Moneyer beside the machine's limits and other services; docs/benchmarks.md says how. wrk is installed
# where that can be done (as root, with apt-get), else named.
set -euo pipefail
cd "$(dirname "$0")/.."

for needed in cargo python3; do
    if ! command -v "$needed" >/dev/null; then
        echo "The benchmarks need $needed." >&2
        exit 1
    fi
done
if ! command -v wrk >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing wrk" >&2
    if apt-get -qq update; then
        DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends wrk >/dev/null || true
    fi
fi
if ! command -v wrk >/dev/null; then
    echo "The benchmarks need wrk. Install it, on Debian with: sudo apt-get install wrk" >&2
    exit 1
fi
exec python3 -B bench/run.py "$@"
