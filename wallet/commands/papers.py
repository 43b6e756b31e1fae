"""How an invite or a host's card comes in: typed, as a file that it was sent in, or on standard input."""

from collections.abc import Sequence
from pathlib import Path

from node.console.exits import USAGE
from wallet.client import CallFailed

PAPER_BYTES_MAX = 16_384
LINK = "tally:"
STANDARD_INPUT: Path | int = 0


def text_of(given: str, noun: str, code: str, begins: Sequence[str]) -> str:
    """The text that was typed, or lies in the file named, or comes on standard input (-).

    `noun` is what is expected, such as "an invite", and `begins` how it can begin. Raises CallFailed of that `code`.
    """
    if given.strip().lower().startswith((LINK, *begins)):
        return given
    try:
        raw = _read(STANDARD_INPUT if given == "-" else Path(given).expanduser())
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it cannot be read").lower()
        raise CallFailed(
            code, f"That is neither {noun} nor a file that can be read: {reason}.", exit_status=USAGE,
            next=f"{noun[0].upper()}{noun[1:]} begins with {' or '.join(begins)}.", facts={"given": given[:80]},
        ) from None  # fmt: skip
    return raw.decode("utf-8", errors="replace")


def _read(source: Path | int) -> bytes:
    with open(source, "rb", closefd=source != 0) as file:
        return file.read(PAPER_BYTES_MAX + 1)
