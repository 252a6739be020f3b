#!/usr/bin/env python3
"""Mints, lists and disables tokens with Python's standard library alone."""

import json
import os
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

URL = os.environ.get("MONEYER_URL", "http://127.0.0.1:8080") + "/v2/auth"
KEY = os.environ.get("MONEYER_API_KEY")


class MoneyerError(Exception):
    def __init__(self, answer):
        try:
            body = json.load(answer)
        except ValueError:  # a proxy's page, say
            body = {}
        self.status = answer.status
        self.code = body.get("ERROR", "unexpected_answer")
        self.retry_after = int(answer.headers.get("Retry-After", 0))
        super().__init__(f"{self.code} ({self.status}): {body.get('MESSAGE', answer.reason)}")


def call(headers=None, **parameters):
    # POST, since a query shows in access logs. Every call may be repeated, so a lost answer is asked for again.
    request = Request(URL, urlencode(parameters).encode(), headers or {})
    request.add_unredirected_header("Authorization", f"Bearer {KEY}")  # for this host's eyes only
    for tries_left in (2, 1, 0):
        try:
            with urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except HTTPError as answer:
            error = MoneyerError(answer)
            if not (error.retry_after and tries_left):
                raise error from None
            time.sleep(error.retry_after)
        except (OSError, HTTPException):
            if not tries_left:
                raise
            time.sleep(1)


def mint(**parameters):
    # The Idempotency-Key makes a repeated call answer with the token already minted.
    return call({"Idempotency-Key": str(uuid.uuid4())}, **parameters)["TOKEN"]


def list_tokens():
    return call(list=1)["TOKENS"]


def disable(token):
    call(disableToken=token)


def main():
    token = mint()
    print("minted", token)
    expire = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y%m%d%H%M")
    print("minted", mint(expire=expire), "until", expire)
    print("listed", len(list_tokens()))
    disable(token)
    print("disabled", token)
    print("listed", len(list_tokens()))
    try:
        disable("0" * 32)
    except MoneyerError as error:
        if error.code != "unknown_token":
            raise
        print("refused", error)
    print("ok")


if __name__ == "__main__":
    if not KEY:
        print("python_stdlib.py: set MONEYER_API_KEY to a private key", file=sys.stderr)
        sys.exit(2)
    try:
        main()
    except (MoneyerError, OSError, HTTPException) as error:
        sys.exit(f"python_stdlib.py: {error}")
