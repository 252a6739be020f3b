#!/usr/bin/env bash
# Says which relative links in the Markdown files lead nowhere.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0
while read -r page; do
    while read -r target; do
        if [ ! -e "$(dirname "$page")/${target%%#*}" ]; then
            echo "$page: no such file: $target" >&2
            status=1
        fi
    done < <(grep -oE '\]\([^) ]+' "$page" | sed 's/^](//' | grep -vE '^(#|[a-z]+:)' || true)
done < <(find . -path ./target -prune -o -name '*.md' -print)
exit $status
