#!/bin/sh
# Mints, lists and disables tokens with curl and sed alone.
set -eu

url=${MONEYER_URL:-http://127.0.0.1:8080}/v2/auth
if [ -z "${MONEYER_API_KEY:-}" ]; then
    echo "curl.sh: set MONEYER_API_KEY to a private key" >&2
    exit 2
fi
body=$(mktemp) # mktemp makes it readable by its owner only, as a token deserves
trap 'rm -f "$body"' EXIT

# call [OPTION VALUE]...: what is secret reaches curl through its standard input, since arguments show in
# `ps`; and it is POSTed, since a query shows in access logs. Each call may be repeated, so curl does that
# when the answer is lost or asks for it with Retry-After.
call() {
    status=$({
        printf 'header = "Authorization: Bearer %s"\n' "$MONEYER_API_KEY"
        while [ $# -gt 0 ]; do
            printf '%s = "%s"\n' "$1" "$2"
            shift 2
        done
    } | curl --config - --silent --show-error --max-time 10 --retry 2 --retry-all-errors \
        --data output=json --output "$body" --write-out '%{http_code}' "$url") || {
        error="no answer from $url"
        return 1
    }
    [ "$status" = 200 ] && return
    code=$(field ERROR)
    error="${code:-unexpected_answer} ($status): $(field MESSAGE)"
    return 1
}

field() {
    sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p' "$body" | sed 's/\\\(.\)/\1/g'
}

# mint [EXPIRE]: the Idempotency-Key makes a repeated call answer with the token already minted.
mint() {
    call header "Idempotency-Key: $(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" \
        ${1:+data-urlencode "expire=$1"} || return
    token=$(field TOKEN)
}

list() {
    call data list=1 || return
    count=$(tr , '\n' <"$body" | grep -c '"[0-9a-f]\{32\}"') || count=0
}

disable() {
    call data-urlencode "disableToken=$1"
}

die() {
    echo "curl.sh: $error" >&2
    exit 1
}

expire=$(date -u -d '+1 hour' +%Y%m%d%H%M 2>/dev/null || date -u -v+1H +%Y%m%d%H%M) # GNU, else BSD

mint || die
echo "minted $token"
first=$token
mint "$expire" || die
echo "minted $token until $expire"
list || die
echo "listed $count"
disable "$first" || die
echo "disabled $first"
list || die
echo "listed $count"
disable 00000000000000000000000000000000 && error="a token never minted was disabled" && die
[ "${code:-}" = unknown_token ] || die
echo "refused $error"
echo ok
