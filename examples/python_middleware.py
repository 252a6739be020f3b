#!/usr/bin/env python3
"""A WSGI application, for holders of a token with the scope "tiles": a middleware asks Moneyer's /v2/verify
about each request, and answers 503 when it cannot ask. It needs Python's standard library alone.

MONEYER_URL says where Moneyer is (http://127.0.0.1:8080), LISTEN where this listens (127.0.0.1:9000). Moneyer
answers on its own machine without being shown a key; from elsewhere MONEYER_API_KEY holds one of role verify.
For tokens that are bound to addresses, Moneyer's trusted_proxies must hold this machine's address.

A good answer is remembered for REMEMBERED seconds, which spares most questions. What that costs: for so long this
application may accept a token that has just been disabled. Zero asks every time.
"""

import hashlib
import json
import logging
import os
import time
from collections import OrderedDict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from socketserver import ThreadingMixIn
from threading import Lock
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIServer, make_server

REMEMBERED = 2
MOST_REMEMBERED = 10_000
TIMEOUT = 2  # seconds of silence after which Moneyer counts as gone

# What Moneyer decides by, beside the client's address and the scope.
ASKED_WITH = ("Authorization", "X-Api-Key", "Origin", "Referer")
# What a refused client is told, beside the body.
PASSED_ON = ("Content-Type", "WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy")
UNAVAILABLE = {"code": "UNAVAILABLE", "message": "Tokens cannot be verified at the moment."}


class Unavailable(Exception):
    """Moneyer cannot say who may pass."""


class Refused(Exception):
    """Moneyer's refusal: a status line, headers and a body."""


class Cache:
    """Remembers who may pass, by what was asked; the oldest answers make room for new ones."""

    def __init__(self, most):
        self.most, self.known, self.lock = most, OrderedDict(), Lock()

    def get(self, question):
        with self.lock:
            identity, until = self.known.get(question, (None, 0))
        return identity if time.monotonic() < until else None

    def put(self, question, identity, until):
        with self.lock:
            self.known.pop(question, None)
            self.known[question] = identity, until
            while len(self.known) > self.most:
                self.known.popitem(last=False)


class MoneyerGuard:
    """The middleware: lets a request with a good token through, with its identity in environ["moneyer.identity"]."""

    def __init__(self, application, scope, url, key=None):
        self.application, self.scope, self.key = application, scope, key
        self.url = urlsplit(url)
        self.path = f"{self.url.path}/v2/verify?{urlencode({'scope': scope})}"
        self.remembered = Cache(MOST_REMEMBERED)

    def __call__(self, environ, start_response):
        try:
            identity = self.verify(environ)
        except Refused as refusal:
            status, headers, body = refusal.args
            start_response(status, headers)
            return [body]
        except (Unavailable, OSError, HTTPException, ValueError) as error:
            logging.warning("Moneyer cannot be asked: %s", error)
            return answer(start_response, "503 Service Unavailable", {"success": False, "error": UNAVAILABLE})
        # What a client says about itself under these names must fool nobody further in.
        for name in [name for name in environ if name.startswith("HTTP_X_MONEYER_")]:
            del environ[name]
        environ["moneyer.identity"] = identity
        return self.application(environ, start_response)

    def verify(self, environ):
        shown = {}
        for name in ASKED_WITH:
            value = environ.get("HTTP_" + name.upper().replace("-", "_"))
            if value is not None:
                shown[name] = value
        # The connection's own address. Behind a proxy, take what that says instead; never what any client could say.
        shown["X-Forwarded-For"] = environ["REMOTE_ADDR"]
        # No token can be read from the cache's key, and whatever makes another question makes another key.
        question = hashlib.sha256(json.dumps([shown, self.scope]).encode()).digest()
        identity = self.remembered.get(question)
        if identity is None:
            asked_at = time.monotonic()
            identity, lifetime = self.ask(shown)
            # Refusals are not remembered: made-up tokens would push good answers out.
            if lifetime > 0:
                self.remembered.put(question, identity, asked_at + lifetime)
        return identity

    def ask(self, shown):
        """Asks Moneyer who it is, and for how long that may be remembered."""
        if self.key:
            shown = {**shown, "X-Moneyer-Key": self.key}
        secure = self.url.scheme == "https"
        # It follows no redirect and takes no proxy from the environment, so headers go to Moneyer alone.
        connection = (HTTPSConnection if secure else HTTPConnection)(self.url.netloc, timeout=TIMEOUT)
        try:
            connection.request("GET", self.path, headers=shown)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        # What is wrong with this application's own key is no fault of its clients.
        challenge = response.headers.get("WWW-Authenticate", "")
        about_the_token = challenge.startswith("Bearer error=") or "RateLimit" in response.headers
        if response.status in (401, 403, 429) and about_the_token:
            headers = [(name, value) for name in PASSED_ON for value in response.headers.get_all(name, [])]
            raise Refused(f"{response.status} {response.reason}", headers, body)
        if response.status != 200:
            raise Unavailable(f"it answers with {response.status}")
        return self.understand(response, body)

    @staticmethod
    def understand(response, body):
        try:
            verified = json.loads(body)
            identity = {
                "account": verified["sub"],
                "key": verified["client_id"],
                "token": verified["jti"],
                "scopes": verified["scope"],
            }
            left = verified.get("exp", float("inf")) - time.time()
            sound = verified["active"] is True and all(isinstance(value, str) for value in identity.values())
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            raise Unavailable("its answer makes no sense")
        # Where Moneyer counts the requests, those that it does not see would be free. And no token outlives its end.
        return identity, 0 if "RateLimit" in response.headers else min(REMEMBERED, left)


def answer(start_response, status, document):
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(document).encode()]


def application(environ, start_response):
    return answer(start_response, "200 OK", environ["moneyer.identity"])


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main():
    url = os.environ.get("MONEYER_URL", "http://127.0.0.1:8080")
    host, port = os.environ.get("LISTEN", "127.0.0.1:9000").rsplit(":", 1)
    guarded = MoneyerGuard(application, "tiles", url, os.environ.get("MONEYER_API_KEY"))
    with make_server(host, int(port), guarded, ThreadingServer) as server:
        print(f"listening at http://{host}:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
