"""Long texts that people pass on: an invite, a host's card. One version byte, then a value, in bech32m.

They come as a link, in capitals from a QR code, broken into lines by a mail program, or in a file among other lines.
The checksum says where one ends, so nothing about line breaks needs to be agreed. What it holds is not known here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from . import codec
from .base import Malformed
from .payment import TEXT_MAX_LONG, read_bech32m, write_bech32m

TEXT_VERSION = 1
CHARS_MAX = 16_384
"""Of a file that is looked through."""
STARTS_MAX = 8
_CONTENT_MAX = 1280
_LETTERS = re.compile(r"[qpzry9x8gf2tvdw0s3jn54khce6mua7l]*", re.ASCII | re.IGNORECASE)


Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True)
class LongText:
    """One kind of long text."""

    prefix: str
    noun: str
    """What people call it, with its article: "an invite"."""

    def write(self, value: codec.Plain) -> str:
        """Write a value as "prefix1..."."""
        return write_bech32m(self.prefix, bytes([TEXT_VERSION]) + codec.encode(value), most=TEXT_MAX_LONG)

    def read(self, text: str, noun: Callable[[codec.Plain], Noun]) -> Noun:
        """Find the one in `text` and make the noun of it. Raises Malformed with a sentence that says what is wrong."""
        if len(text) > CHARS_MAX:
            raise Malformed(f"that is too long to be {self.noun}: {len(text)} characters, at most {CHARS_MAX}")
        starts = self._starts(text)
        if not starts:
            # Broken so often that even its beginning is: then nothing else may stand there.
            text = "".join(text.split())
            starts = self._starts(text)[:1]
        if not starts:
            raise Malformed(f"that is not {self.noun}: {self.noun} begins with {self.prefix}1")
        if len(starts) > STARTS_MAX:
            raise Malformed(f"there are more than {STARTS_MAX} of them here: keep one")
        whole = {content for start in starts if (content := self._content(text, start)) is not None}
        if not whole:
            raise Malformed(f"this is {self.noun}, but it is damaged or not whole: copy all of it once more")
        if len(whole) > 1:
            raise Malformed("there are two different ones here: keep the one that you mean")
        return self._made(whole.pop(), noun)

    def _starts(self, text: str) -> list[int]:
        """Where the letters after each "prefix1" begin."""
        start = rf"(?<![^\s<>(\"'`\ufeff])(?:tally:)?{self.prefix}1"
        return [found.end() for found in re.finditer(start, text, re.ASCII | re.IGNORECASE)]

    def _content(self, text: str, start: int) -> bytes | None:
        """What the text at `start` holds, or None when no end of it has a right checksum."""
        head, body = text[start - len(self.prefix) - 1 : start], ""
        for found in re.finditer(r"\S+", text[start:]):
            letters = _LETTERS.match(found.group())
            body += letters.group() if letters else ""
            if len(body) > TEXT_MAX_LONG:
                return None
            rest = found.group()[letters.end() if letters else 0 :]
            try:
                content = read_bech32m(self.prefix, head + body, most=TEXT_MAX_LONG)
            except Malformed:
                if rest:
                    return None
                continue
            self._check_rest(rest)
            return content
        return None

    def _check_rest(self, rest: str) -> None:
        """Punctuation may follow a text; a link's parameters would ask for something that is not known here."""
        if re.match(r"[?&#;/][^\s]", rest):
            raise Malformed(f"the link has more in it than {self.noun}: {rest[:20]!r} is not known to this version")

    def _made(self, content: bytes, noun: Callable[[codec.Plain], Noun]) -> Noun:
        if content[:1] > bytes([TEXT_VERSION]):
            raise Malformed(f"this is {self.noun} of a newer version of tallystick: update, then use it again")
        if content[:1] != bytes([TEXT_VERSION]):
            raise Malformed(f"this is not {self.noun} of any version")
        try:
            return noun(codec.decode(content[1:], _CONTENT_MAX))
        except Malformed as error:
            raise Malformed(f"this is {self.noun} that nobody should have made: {error}") from None
