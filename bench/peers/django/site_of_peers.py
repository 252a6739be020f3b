"""A Django project that serves three packages: djangorestframework-api-key, django-rest-knox and
django-oauth-toolkit.

`python site_of_peers.py` makes the store (DATABASE in the environment) with a good token of each, and
prints them as JSON; gunicorn serves `application`.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of no value outside of the benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework_api_key",
        "knox",
        "oauth2_provider",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # Durable at each commit, as Moneyer is.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
            },
        }
    },
    REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
    OAUTH2_PROVIDER={"SCOPES": {"introspection": "Introspect tokens", "tiles": "Tiles"}},
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.auth import TokenAuthentication  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from oauth2_provider.models import AccessToken, Application  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402
from rest_framework_api_key.permissions import HasAPIKey  # noqa: E402


class Open(APIView):
    """Nobody is asked for credentials when something is created: that favours the packages."""

    authentication_classes: list[type] = []
    permission_classes: list[type] = []


class CreateApiKey(Open):
    def post(self, _request):
        _, key = APIKey.objects.create_key(name="bench")
        return Response({"key": key})


class VerifyApiKey(APIView):
    authentication_classes: list[type] = []
    permission_classes = [HasAPIKey]

    def get(self, _request):
        return Response({"active": True})


class CreateKnox(Open):
    def post(self, _request):
        # Of another user than the one who is verified: knox looks through all of a user's tokens.
        _, token = AuthToken.objects.create(user=get_user_model().objects.get(username="minting"))
        return Response({"token": token})


class VerifyKnox(APIView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, _request):
        return Response({"active": True})


urlpatterns = [
    path("api-key/create", CreateApiKey.as_view()),
    path("api-key/verify", VerifyApiKey.as_view()),
    path("knox/create", CreateKnox.as_view()),
    path("knox/verify", VerifyKnox.as_view()),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
application = get_wsgi_application()


def make() -> dict[str, str]:
    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    users.create_user("minting")
    client = Application.objects.create(
        name="bench",
        client_id="bench",
        client_secret="of-no-value",
        hash_client_secret=False,  # a slow hash at each request would be its only cost
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
    )
    expires = timezone.now() + timedelta(days=1)
    for token, scope in (("asking", "introspection"), ("asked", "tiles")):
        AccessToken.objects.create(token=token, scope=scope, application=client, expires=expires)
    return {
        "api-key": APIKey.objects.create_key(name="verified")[1],
        "knox": AuthToken.objects.create(user=users.create_user("verified"))[1],
        "oauth": "asked",
    }


if __name__ == "__main__":
    print(json.dumps(make()))
