"""Handles for the members of a real currency: names as written in its file become handles of the protocol.

Pure. A handle is 2 to 31 of a-z, 0-9 and -; two names never share one, and
`commons` is account 0. The same names in the same order always get the
same handles, so a replay that goes on finds its accounts again.
"""

import re
import unicodedata
from collections.abc import Sequence

from protocol.ops import COMMONS_HANDLE

HANDLE_MAX = 31


def bare_handle(name: str) -> str:
    """Bring a name to the letters of a handle: "Łucja O'Neill" is "lucja-o-neill"; "" when none of it can be said."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L")).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:HANDLE_MAX].rstrip("-")


def handles_of(names: Sequence[str]) -> list[str]:
    """Give each of different names a handle of its own; a number tells apart those that would be alike."""
    taken = {COMMONS_HANDLE}
    given = []
    for number, name in enumerate(names, 1):
        handle = bare_handle(name)
        if len(handle) < 2 or handle in taken:
            handle = _numbered(handle or "member", number, taken)
        taken.add(handle)
        given.append(handle)
    return given


def _numbered(handle: str, number: int, taken: set[str]) -> str:
    tail = f"-{number}"
    while f"{handle[: HANDLE_MAX - len(tail)]}{tail}" in taken:
        tail += "x"
    return f"{handle[: HANDLE_MAX - len(tail)]}{tail}"
