"""The OpenAPI 3.1 document of a server, made from the same tables as its routes, so that it cannot tell otherwise.

Pure. Shapes come from the types of bodies and answers by msgspec's JSON schema; what a call needs of a token is its
security requirement: the name of the scope, as OpenAPI 3.1 has it for roles of any scheme.
"""

import re
from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from .calls import Call, Query
from .problem import CONTENT_TYPE

VERSION = "3.1.0"
REF = "#/components/schemas/{name}"

Json = dict[str, Any]
_KINDS: dict[type, str] = {int: "integer", str: "string"}
_SCHEME = "token"
_INTRODUCTION = (
    "Amounts are decimal strings, never floats. Every call needs a token; the one in run/api.json of the home opens "
    "all of them, the scopes read, request and spend each include those before. A failure of any call is a problem "
    "(RFC 9457) whose code never changes its meaning."
)


class ProblemView(TypedDict):
    """A failure. `code` is for programs, `detail` and `next` for people, `facts` are the numbers behind it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    facts: dict[str, str | int | bool | None]
    next: str


def document(calls: Sequence[Call]) -> Json:
    """Write the document."""
    shapes = [shape for call in calls for shape in (call.gives, call.takes) if _is_json(shape)]
    references, components = msgspec.json.schema_components([*shapes, ProblemView], ref_template=REF)
    by_shape = dict(zip(map(str, [*shapes, ProblemView]), references, strict=True))
    paths: dict[str, Json] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, by_shape)
    return {
        "openapi": VERSION,
        "info": {"title": "tallystick", "version": "1", "description": _INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {"Problem": _content(CONTENT_TYPE, by_shape[str(ProblemView)], "It failed.")},
            "securitySchemes": {_SCHEME: {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_json(shape: Any) -> bool:
    return shape is not None and shape is not bytes


def _operation(call: Call, by_shape: Json) -> Json:
    gives = by_shape[str(call.gives)] if _is_json(call.gives) else {"type": "string"}
    answered = _content(call.media, gives, call.words)
    operation: Json = {
        "operationId": _operation_id(call),
        "summary": call.words,
        "security": [{_SCHEME: [call.needs.word]}],
        "responses": {
            **{str(status): answered for status in sorted({call.status, *call.also})},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    parameters = _parameters(call)
    if parameters:
        operation["parameters"] = parameters
    if call.takes is not None:
        media: Json = {"schema": by_shape[str(call.takes)]}
        if call.example is not None:
            media["example"] = call.example
        needed = any(field.required for field in msgspec.structs.fields(call.takes))
        operation["requestBody"] = {"required": needed, "content": {"application/json": media}}
    return operation


def _operation_id(call: Call) -> str:
    words = re.findall(r"\w+", call.path.removeprefix("/v1/"))
    return "_".join([call.method.lower(), *words])


def _parameters(call: Call) -> list[Json]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", call.path)
    ]
    in_query = [
        {"name": query.name, "in": "query", "description": query.words, "schema": _schema_of(query)}
        for query in call.query
    ]
    return in_path + in_query + ([_KEY] if call.keyed else [])


def _schema_of(query: Query) -> Json:
    schema: Json = {"type": _KINDS[query.kind]}
    if query.one_of:
        schema["enum"] = list(query.one_of)
    if query.least is not None:
        schema["minimum"] = query.least
    return schema


_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 200 characters; again with the same body it is the same call, with another one it is refused",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def _content(media: str, schema: Json, words: str) -> Json:
    return {"description": words, "content": {media: {"schema": schema}}}
