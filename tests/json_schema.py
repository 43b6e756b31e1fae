"""Compares values with JSON schemas, as far as our own documents use them; strictly: no key more than is documented.

A keyword that is not known here is an error, so that nothing goes unchecked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,),
}  # fmt: skip
_WORDS = {"title", "description", "default"}
_KNOWN = _WORDS | {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "$ref",
    "minItems", "maxItems", "maxLength", "minimum", "maximum",
}  # fmt: skip


def faults(value: Any, schema: Json, schemas: Mapping[str, Json], place: str = "$") -> Iterator[str]:
    """Say where `value` is not what `schema` says. `schemas` are those that it refers to, by name."""
    assert schema.keys() <= _KNOWN, schema
    if "$ref" in schema:
        yield from faults(value, schemas[schema["$ref"].rsplit("/", 1)[1]], schemas, place)
    elif "anyOf" in schema:
        found = [list(faults(value, one, schemas, place)) for one in schema["anyOf"]]
        if all(found):
            yield f"{place}: {value!r} is none of the alternatives: {found}"
    elif "enum" in schema or "const" in schema:
        if value not in schema.get("enum", [schema.get("const")]):
            yield f"{place}: {value!r} is not listed"
    elif "type" in schema:
        yield from _typed(value, schema, schemas, place)


def _typed(value: Any, schema: Json, schemas: Mapping[str, Json], place: str) -> Iterator[str]:
    kind = schema["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{place}: {value!r} is no {kind}"
    elif kind == "array":
        for index, each in enumerate(value):
            yield from faults(each, schema.get("items", {}), schemas, f"{place}[{index}]")
    elif kind == "object":
        known = schema.get("properties", {})
        yield from (f"{place}: {name} is missing" for name in schema.get("required", []) if name not in value)
        for name, each in value.items():
            other = schema.get("additionalProperties", None if known else {})
            if name not in known and not isinstance(other, dict):
                yield f"{place}: {name} is not documented"
            else:
                yield from faults(each, known.get(name, other), schemas, f"{place}.{name}")
