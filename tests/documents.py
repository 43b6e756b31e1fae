"""The documents of the project, and what in them is meant to be typed or run. Reads; running is elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.transcripts.reading import Step, read_transcript

ROOT = Path(__file__).parent.parent
PACKAGES = ("protocol", "node", "wallet", "devnet", "tests")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(file for package in PACKAGES for file in (ROOT / package).rglob("*.md"))])

_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`((?:tally|tally-node|tally-devnet|make|python) [^`]+)`")
_PRINTED = re.compile(r"^print\(.*\)  # (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of Python in a document, and what it prints: what stands in a comment behind each `print`."""

    text: str
    printed: tuple[str, ...]


def kinds(document: str) -> set[str]:
    """The words behind the opening of each block, as `console`; a plain block is bytes or a drawing."""
    return {block["kind"] for block in _BLOCK.finditer(document)}


def pieces(document: str) -> Iterator[Step | Snippet]:
    """What a reader types or runs, in order: each command with what is shown below it, each piece of Python."""
    for block in _BLOCK.finditer(document):
        if block["kind"] == "console":
            yield from read_transcript(block["text"]).steps
        elif block["kind"] == "python":
            yield Snippet(block["text"], tuple(_PRINTED.findall(block["text"])))


def typed(document: str) -> list[str]:
    """The command lines of a document, without the remark behind."""
    steps = (piece for piece in pieces(document) if isinstance(piece, Step))
    return [step.line.split("  #")[0].strip() for step in steps]


def mentioned(document: str) -> list[str]:
    """The commands that the prose and the tables name, as `tally pay @bob 2.50`."""
    return [" ".join(span.replace("\\|", "|").split()) for span in _SPAN.findall(_BLOCK.sub("", document))]
