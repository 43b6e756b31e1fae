"""Names that look alike: advice for whoever reads a list of members, never a rule of the community.

Two names look alike when little is left to tell them apart once case, marks, spaces and punctuation are gone and
every letter that another one could be taken for is replaced by it: `b0b` and `bob`, `rnarket` and `market`, a Cyrillic
а and a Latin a. The pairs of letters follow the data of Unicode Technical Standard 39 for Latin, Greek and Cyrillic,
as far as handles and everyday names need them. Pure.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from protocol.base import AccountId

_TAKEN_FOR = str.maketrans(
    {
        # digits and strokes
        "0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "5": "s", "2": "z", "8": "b", "$": "s",
        # Cyrillic
        "а": "a", "в": "b", "г": "r", "е": "e", "з": "3", "к": "k", "м": "m", "н": "h", "о": "o", "п": "n", "р": "p",
        "с": "c", "т": "t", "у": "y", "х": "x", "ь": "b", "ѕ": "s", "і": "l", "ј": "j", "һ": "h", "ԁ": "d", "ԛ": "q",
        "ԝ": "w", "ѵ": "v", "ӏ": "l", "є": "e", "ո": "n",
        # Greek
        "α": "a", "β": "b", "γ": "y", "δ": "d", "ε": "e", "η": "n", "ι": "l", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
        "σ": "o", "ς": "c", "τ": "t", "υ": "u", "χ": "x", "ω": "w",
        # Latin letters that lost nothing but a stroke or a dot
        "ı": "l", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ɑ": "a", "ɡ": "g", "þ": "p",
    }
)  # fmt: skip
_TAKEN_TOGETHER = (("rn", "m"), ("vv", "w"), ("cl", "d"))


@lru_cache(maxsize=20_000)
def skeleton(name: str) -> str:
    """What is left of a name for the eye; empty when nothing but spaces and punctuation was there."""
    # Marks can only be dropped once letters came apart from them.
    unfolded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    letters = "".join(letter for letter in unfolded if not unicodedata.combining(letter))
    plain = "".join(letter for letter in letters.translate(_TAKEN_FOR) if letter.isalnum())
    for pair, letter in _TAKEN_TOGETHER:
        plain = plain.replace(pair, letter)
    return plain


def lookalikes(names: Mapping[AccountId, Iterable[str]]) -> dict[AccountId, list[AccountId]]:
    """For each account that has one: the others, ascending, with a name that looks like one of its own.

    `names`: handle and display name of every member. One member's own names may look alike.
    """
    bearers: dict[str, set[AccountId]] = {}
    for account, called in names.items():
        for name in called:
            bearers.setdefault(skeleton(name), set()).add(account)
    bearers.pop("", None)
    found: dict[AccountId, set[AccountId]] = {}
    for together in bearers.values():
        if len(together) > 1:
            for account in together:
                found.setdefault(account, set()).update(together - {account})
    return {account: sorted(others) for account, others in sorted(found.items())}


def resembling(wanted: str, names: Mapping[AccountId, Iterable[str]]) -> list[AccountId]:
    """The accounts, ascending, one of whose names looks like `wanted`, which nobody needs to bear yet."""
    shape = skeleton(wanted)
    return sorted(account for account, called in names.items() if shape and shape in map(skeleton, called))
