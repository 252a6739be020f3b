#!/usr/bin/env python3
"""Mints, lists and disables tokens with requests."""

import os
import sys
import uuid
from datetime import datetime, timedelta, timezone

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


class MoneyerError(Exception):
    def __init__(self, answer):
        try:
            body = answer.json()
        except ValueError:  # a proxy's page, say
            body = {}
        self.status = answer.status_code
        self.code = body.get("ERROR", "unexpected_answer")
        self.retry_after = int(answer.headers.get("Retry-After", 0))
        super().__init__(f"{self.code} ({self.status}): {body.get('MESSAGE', answer.reason)}")


class Moneyer:
    def __init__(self, url, key):
        self.url = url + "/v2/auth"
        self.session = requests.Session()

        def bearer(request):
            request.headers["Authorization"] = f"Bearer {key}"
            return request

        self.session.auth = bearer  # a plain header would give way to an entry in ~/.netrc
        # Every call may be repeated, so a lost answer is asked for again, and Retry-After is heeded.
        retry = Retry(2, backoff_factor=1, status_forcelist=[429, 503], allowed_methods=None, raise_on_status=False)
        self.session.mount(url, HTTPAdapter(max_retries=retry))

    def _call(self, headers=None, **parameters):
        # POST, since a query shows in access logs.
        answer = self.session.post(self.url, data=parameters, headers=headers, timeout=10)
        if answer.status_code != 200:
            raise MoneyerError(answer)
        return answer.json()

    def mint(self, **parameters):
        # The Idempotency-Key makes a repeated call answer with the token already minted.
        return self._call({"Idempotency-Key": str(uuid.uuid4())}, **parameters)["TOKEN"]

    def list(self):
        return self._call(list=1)["TOKENS"]

    def disable(self, token):
        self._call(disableToken=token)


def main(moneyer):
    token = moneyer.mint()
    print("minted", token)
    expire = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y%m%d%H%M")
    print("minted", moneyer.mint(expire=expire), "until", expire)
    print("listed", len(moneyer.list()))
    moneyer.disable(token)
    print("disabled", token)
    print("listed", len(moneyer.list()))
    try:
        moneyer.disable("0" * 32)
    except MoneyerError as error:
        if error.code != "unknown_token":
            raise
        print("refused", error)
    print("ok")


if __name__ == "__main__":
    if not os.environ.get("MONEYER_API_KEY"):
        print("python_requests.py: set MONEYER_API_KEY to a private key", file=sys.stderr)
        sys.exit(2)
    try:
        main(Moneyer(os.environ.get("MONEYER_URL", "http://127.0.0.1:8080"), os.environ["MONEYER_API_KEY"]))
    except (MoneyerError, requests.RequestException) as error:
        sys.exit(f"python_requests.py: {error}")
