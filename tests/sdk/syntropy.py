"""Does what Syntropy's SDK can do with access tokens and API keys, and checks what comes of it."""

import datetime
import importlib.metadata
import json
import os
import urllib.error
import urllib.request

import syntropy_sdk as sdk
from syntropy_sdk import models, utils
from syntropy_sdk.exceptions import ApiException

URL = os.environ["MONEYER_URL"]
KEY = os.environ["MONEYER_API_KEY"]
UTC = datetime.timezone.utc
ALL = [
    "access-tokens:read",
    "access-tokens:write",
    "agents:read",
    "agents:write",
    "api-keys:read",
    "api-keys:write",
    "connections:read",
    "connections:write",
    "services:read",
    "services:write",
]


def client(header, shown, prefix=None):
    config = sdk.Configuration()
    config.host = URL
    config.api_key = {header: shown}
    config.api_key_prefix = {header: prefix} if prefix else {}
    return sdk.AuthApi(sdk.ApiClient(config))


def create(api, name, permissions, expiration=None, **more):
    body = models.V1NetworkAuthAccessTokensCreateRequest(
        access_token_name=name,
        permissions=permissions,
        access_token_expiration=expiration or datetime.datetime(2099, 1, 1),
        **more,
    )
    created = api.v1_network_auth_access_tokens_create(body)
    assert isinstance(created, models.V1NetworkAuthAccessTokensCreateResponse)
    return created.data.access_token


def listed(api, **part):
    return api.v1_network_auth_access_tokens_get(**part).data


def names(api, **part):
    return [token.access_token_name for token in listed(api, **part)]


def id_of(api, name):
    return next(t.access_token_id for t in listed(api) if t.access_token_name == name)


def verified(token, scope=None):
    """The status that a gateway gets."""
    query = f"?scope={scope}" if scope else ""
    request = urllib.request.Request(f"{URL}/v2/verify{query}")
    request.add_header("Authorization", f"Bearer {token}")
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def refused(status, code, call, *arguments, **more):
    try:
        call(*arguments, **more)
    except ApiException as error:
        body = json.loads(error.body)
        assert (error.status, body["errors"][0]["code"]) == (status, code), error
        parsed = sdk.ApiClient().deserialize(
            type("Response", (), {"data": error.body}), "V1ErrorResponse"
        )
        assert isinstance(parsed, models.V1ErrorResponse)
        return parsed.errors[0]
    raise AssertionError(f"not refused: {call.__name__} {arguments} {more}")


def permissions(api):
    found = api.v1_network_auth_access_tokens_permissions_get().data
    assert [permission.permission_name for permission in found] == ALL
    assert all(isinstance(permission.permission_id, int) for permission in found)
    assert len({permission.permission_id for permission in found}) == len(found)
    print("api key: permissions")


def access_tokens(api, who):
    end = datetime.datetime(2098, 7, 6, 5, 4, 3, 999)
    token = create(
        api, "tiles", ["agents:read"], end, access_token_description="for Anna"
    )
    assert verified(token, "agents:read") == 200
    assert verified(token, "agents:write") == 403
    found = next(t for t in listed(api) if t.access_token_name == "tiles")
    assert found.access_token_description == "for Anna"
    assert found.access_token_expiration == "2098-07-06T05:04:03Z"
    assert api.v1_network_auth_access_tokens_delete(found.access_token_id) is None
    assert verified(token) == 401
    assert "tiles" not in names(api)
    zoned = end.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    create(api, "zoned", [], zoned)
    found = next(t for t in listed(api) if t.access_token_name == "zoned")
    assert found.access_token_expiration == "2098-07-06T03:04:03Z"
    api.v1_network_auth_access_tokens_delete(found.access_token_id)
    print(f"{who}: access tokens")


def api_keys(api):
    before = api.v1_network_auth_api_keys_get().data
    assert len(before) == 1 and before[0].api_key_status is True
    body = models.V1NetworkAuthApiKeysCreateRequest(
        api_key_name="deploy",
        api_key_description="from the pipeline",
        api_key_valid_until=datetime.datetime(2098, 7, 6, tzinfo=UTC),
    )
    created = api.v1_network_auth_api_keys_create(body).data
    deploy = client("api-key", created.api_key_secret)
    assert verified(create(deploy, "by deploy", [])) == 200
    found = deploy.v1_network_auth_api_keys_get(filter=str(created.api_key_id)).data
    assert [key.api_key_name for key in found] == ["deploy"]
    assert found[0].api_key_id == created.api_key_id
    assert found[0].api_key_valid_until == datetime.datetime(2098, 7, 6, tzinfo=UTC)
    assert isinstance(found[0].api_key_created_at, datetime.datetime)
    newest = api.v1_network_auth_api_keys_get(order="DESC", take=2).data
    assert {key.api_key_name for key in newest} == {"deploy", before[0].api_key_name}
    assert api.v1_network_auth_api_keys_delete(created.api_key_id) is None
    refused(401, "invalid_key", deploy.v1_network_auth_api_keys_get)
    assert [key.api_key_id for key in api.v1_network_auth_api_keys_get().data] == [
        before[0].api_key_id
    ]
    api.v1_network_auth_access_tokens_delete(id_of(api, "by deploy"))
    print("token: api keys")


def paging(api):
    for number in range(25):
        create(api, f"page {number:02}", [])
    expected = [f"page {number:02}" for number in range(25)]
    order = "access_token_name:ASC"
    first = names(api, order=order)
    assert first == ["main", *expected][:20]
    assert names(api, order=order, skip=1, take=3) == expected[:3]
    everything = utils.WithPagination(api.v1_network_auth_access_tokens_get, max_take=10)
    assert [t["access_token_name"] for t in everything(order=order)["data"]] == [
        "main",
        *expected,
    ]
    middle = next(
        t.access_token_id
        for t in listed(api, take=1000)
        if t.access_token_name == "page 12"
    )
    assert names(api, order=order, skip=middle) == expected[13:]
    assert names(api, order=order, take=middle) == ["main", *expected[:12]]
    print("paging")
    backwards = names(api, order="access_token_name:DESC", take=1000)
    assert backwards == [*reversed(expected), "main"]
    create(api, "first to end", [], datetime.datetime(2090, 1, 1))
    by_end = names(api, order="access_token_expiration:ASC")
    assert by_end[0] == "first to end"
    print("order")


def errors(api):
    long_ago = datetime.datetime(2020, 1, 1)
    error = refused(400, "invalid_parameter", create, api, "late", [], long_ago)
    assert error.message == "access_token_expiration lies in the past."
    assert error.type == "invalid_request_error"
    refused(400, "invalid_parameter", create, api, "x", ["agents:fly"])
    refused(400, "invalid_parameter", listed, api, take=1001)
    refused(404, "unknown_token", api.v1_network_auth_access_tokens_delete, "tok_" + "0" * 16)
    refused(404, "unknown_key", api.v1_network_auth_api_keys_delete, 1)
    reader = client("api-key", create(api, "reader", ["access-tokens:read"]))
    error = refused(403, "forbidden", create, reader, "x", [])
    assert '"access-tokens:write"' in error.message
    refused(401, "invalid_key", listed, client("api-key", "0" * 32))
    try:
        utils.login_with_access_token(URL, "0" * 32)
    except ApiException as error:
        assert error.status == 401
    else:
        raise AssertionError("logged in with a token that is none")
    print("errors")


print("sdk", importlib.metadata.version("syntropy-sdk"))
by_key = client("api-key", KEY)
permissions(by_key)
access_tokens(client("api-key", KEY, "Bearer"), "api key")
main = create(by_key, "main", ALL)
session = utils.login_with_access_token(URL, main)
by_token = client("Authorization", session, "Bearer")
assert names(by_token) == ["main"]
print("login")
access_tokens(by_token, "token")
api_keys(by_token)
paging(by_token)
errors(client("api-key", main))
print("done")
