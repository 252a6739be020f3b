"""For Django: notes the digest of each token that is shown and found good, where no digest is kept that Moneyer takes.

django-rest-knox keeps SHA-512 digests, and djangorestframework-api-key too, so neither can be imported from its table. Put
one of these classes in the place of the original, let clients come by for some days, and import what was noted:

    sort -u shown.jsonl | moneyer token import KEY_ID
"""

import hashlib
import json

FILE = "shown.jsonl"


def note(token, expires_at):
    line = {"sha256": hashlib.sha256(token.encode()).hexdigest()}
    if expires_at is not None:
        line["expires_at"] = int(expires_at.timestamp())
    # One short write at the end of a file: lines of several processes do not mix.
    with open(FILE, "a", encoding="ascii") as file:
        file.write(json.dumps(line) + "\n")


try:
    from knox.auth import TokenAuthentication
except ImportError:
    pass
else:

    class CollectingTokenAuthentication(TokenAuthentication):
        """In DEFAULT_AUTHENTICATION_CLASSES instead of knox.auth.TokenAuthentication."""

        def authenticate_credentials(self, token):
            user, kept = super().authenticate_credentials(token)
            note(token.decode(), kept.expiry)
            return user, kept


try:
    from rest_framework_api_key.models import APIKey
    from rest_framework_api_key.permissions import HasAPIKey
except ImportError:
    pass
else:

    class CollectingHasAPIKey(HasAPIKey):
        """In permission_classes instead of rest_framework_api_key.permissions.HasAPIKey."""

        def has_permission(self, request, view):
            if not super().has_permission(request, view):
                return False
            key = self.get_key(request)
            note(key, APIKey.objects.get_from_key(key).expiry_date)
            return True
