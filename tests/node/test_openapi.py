"""The OpenAPI document: well formed, about every call there is, and in agreement with what really answers."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from node.api import NodeApi
from node.web.application import application
from node.web.calls import Call
from node.web.openapi import document
from node.web.scopes import Scope
from protocol.ops import PublicNote, Send
from protocol.payment import PaymentId
from tests.builders import found
from tests.json_schema import faults
from tests.node.asgi import call
from tests.node.served import QuietNode, served
from tests.wallet.test_wallet_api import Nameless, StillNode, ToldWallet
from wallet.api.acts import ActsApi
from wallet.api.events import EventsApi
from wallet.api.hosts import HostsApi
from wallet.api.people import PeopleApi
from wallet.api.tokens import TokensApi
from wallet.api.wallet import WalletApi
from wallet.api.webhooks import WebhooksApi

Json = dict[str, Any]
OWNERS = ("/v1/wallet/tokens", "/v1/wallet/webhooks", "/v1/wallet/hosts")
"""What is not even shown to others."""
OFFICE = SimpleNamespace(acts=None, inviting=None, calling=None, listing=None)
METHODS = {"get", "post", "delete"}


def table() -> list[Call]:
    rooms = (
        NodeApi(StillNode()),  # type: ignore[arg-type]  # only listed
        WalletApi(ToldWallet(), StillNode(), Nameless(), None),  # type: ignore[arg-type]
        PeopleApi(ToldWallet(), StillNode(), Nameless()),  # type: ignore[arg-type]
        ActsApi(ToldWallet(), StillNode(), OFFICE),  # type: ignore[arg-type]
        EventsApi(None),  # type: ignore[arg-type]
        HostsApi(StillNode(), None),  # type: ignore[arg-type]
        TokensApi(ToldWallet(), None),  # type: ignore[arg-type]
        WebhooksApi(None),  # type: ignore[arg-type]
    )
    return [one for room in rooms for one in room.routes()]


def operations(written: Json) -> list[tuple[str, str, Json]]:
    return [(path, method, what) for path, item in written["paths"].items() for method, what in item.items()]


def test_every_call_is_in_the_document_and_every_one_of_the_document_is_served() -> None:
    calls = table()
    documented = {(path, method.upper()) for path, method, _ in operations(document(calls))}
    assert documented == {(one.path, one.method) for one in calls}
    routed = {
        (route.path, method)  # type: ignore[attr-defined]
        for route in application(calls).routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert routed == documented | {("/v1/openapi.json", "GET")}


def test_scopes_parameters_and_bodies_agree_with_the_table() -> None:
    calls = table()
    written = document(calls)
    for one in calls:
        operation = written["paths"][one.path][one.method.lower()]
        assert operation["security"] == [{"token": [one.needs.word]}]
        assert ("requestBody" in operation) == (one.takes is not None)
        if one.takes is not None:
            needed = any(field.required for field in msgspec.structs.fields(one.takes))
            assert operation["requestBody"]["required"] is needed, "a call that needs nothing takes no body, too"
        assert str(one.status) in operation["responses"]
        named = {(each["in"], each["name"]) for each in operation.get("parameters", [])}
        path = {("path", name) for name in re.findall(r"{(\w+)}", one.path)}
        assert named - {("header", "Idempotency-Key")} == path | {("query", query.name) for query in one.query}


def test_what_changes_something_is_no_get_and_needs_more_than_looking() -> None:
    for one in table():
        assert (one.method == "GET") <= (one.needs is Scope.READ or one.path.startswith(OWNERS))
        assert (one.method != "GET") <= (one.needs > Scope.READ)


@pytest.mark.parametrize("one", [one for one in table() if one.example], ids=lambda one: one.path)
def test_an_example_of_a_body_is_one(one: Call) -> None:
    msgspec.convert(one.example, type=one.takes, strict=True)


def test_the_document_is_openapi_3_1() -> None:
    written = document(table())
    assert written["openapi"].startswith("3.1.") and written["info"].keys() >= {"title", "version"}
    ids = [operation["operationId"] for _, _, operation in operations(written)]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations(written):
        assert path.startswith("/v1/") and method in METHODS
        assert operation["responses"].keys() >= {"default"} and all(
            "description" in response or "$ref" in response for response in operation["responses"].values()
        )
        for parameter in operation.get("parameters", []):
            assert parameter.keys() >= {"name", "in", "schema"} and parameter["in"] in ("path", "query", "header")
            assert parameter.get("required", False) == (parameter["in"] == "path")
        for requirement in operation["security"]:
            assert requirement.keys() <= written["components"]["securitySchemes"].keys()
    for reference in references(written):
        assert resolved(written, reference) is not None
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in written["components"]["schemas"])


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for each in value.values() for found in references(each)]
    return [found for each in value for found in references(each)] if isinstance(value, list) else []


def resolved(written: Json, reference: str) -> object:
    found: Any = written
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def assert_as_documented(written: Json, path: str, method: str, status: int, value: Any) -> None:
    responses = written["paths"][path][method.lower()]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = resolved(written, response["$ref"])
    (media,) = response["content"].values()
    assert not list(faults(value, media["schema"], written["components"]["schemas"])), path


async def test_what_the_node_really_answers_is_as_documented(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (node, app):
        for signed in (
            town.open("ana"),
            paid := town.write("ana", Send(town["ben"], 250, PublicNote("bread"))),  # type: ignore[arg-type]
        ):
            await node.pay_in(signed.encode())
        written = (await call(app, path="/v1/openapi.json")).json
        given = {"{who}": "@ana", "{id}": paid.id.hex()}
        seen = set()
        for path, method, operation in operations(written):
            if method != "get" or "application/json" not in str(operation["responses"]) or "openapi" in path:
                continue
            filled = path
            for name, value in given.items():
                filled = filled.replace(name, value)
            if path == "/v1/payments/{id}":
                filled = f"/v1/payments/{PaymentId(paid.id, 0)}"
            for query in ("", "root=1"):
                got = await call(app, path=filled, query=query)
                assert got.status == 200, path
                assert_as_documented(written, path, method, 200, got.json)
            seen.add(path)
        assert len(seen) >= 8


async def test_a_failure_is_as_documented(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        written = (await call(app, path="/v1/openapi.json")).json
        got = await call(app, path="/v1/accounts/@nobody")
        assert_as_documented(written, "/v1/accounts/{who}", "get", 404, got.json)


async def test_a_broken_node_is_as_documented(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (node, app):
        assert isinstance(node, QuietNode)
        node.bookkeeper.failed = "disk full"
        got = await call(app, path="/v1/health")
        written = (await call(app, path="/v1/openapi.json")).json
        assert_as_documented(written, "/v1/health", "get", got.status, got.json)
