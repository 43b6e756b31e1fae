"""`tally init --witness CARD`: founds a community together with hosts. Says what came of it, and what they tolerate."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from node.console.exits import USAGE
from wallet.client import CallFailed
from wallet.commands.papers import text_of
from wallet.commands.session import Session

if TYPE_CHECKING:
    from protocol.host_card import HostCard
    from wallet.founding import Founded, Terms


def read_card(given: str) -> "HostCard":
    """The card that was typed, or lies in the file named, or comes on standard input (-). Raises CallFailed."""
    from protocol.base import Malformed
    from protocol.host_card import read_host_card

    try:
        return read_host_card(text_of(given, "a host's card", "bad_card", ("card1",)))
    except Malformed as error:
        raise CallFailed(
            "bad_card", f"{str(error)[0].upper()}{str(error)[1:]}.", exit_status=USAGE,
            next="Give the whole text, or the name of the file that it was sent in.",
        ) from None  # fmt: skip


def found_with(
    session: Session, terms: "Terms", handle: str, cards: Sequence["HostCard"], quorum: int | None,
    passphrase: str | None, *, is_witness: bool,
) -> tuple["Founded", dict[str, Any], list[str]]:  # fmt: skip
    """Found with these hosts. Returns what was founded, and what to say of its witnesses, as facts and as lines.

    Raises WalletError, and then nothing was made.
    """
    import trio

    from wallet.hosts.founding import Wish, found_with_hosts  # loads the network library

    wish = Wish(terms, handle, tuple(cards), quorum, is_witness, passphrase)
    session.terminal.hint(f"asking {len(cards)} {'host' if len(cards) == 1 else 'hosts'} to sign the founding ...")
    try:
        made = trio.run(found_with_hosts, session.home, wish)
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is not None:
            raise KeyboardInterrupt from None
        raise
    for place in made.away:
        session.terminal.hint(f"The host at {place} was not reached again; `tally up` tells it later.")
    for place in made.lost:
        session.terminal.warn(f"somebody else founded with the host at {place} meanwhile: it will never vote here")
    facts = {"witnesses": made.witnesses, "quorum": made.quorum, "away": list(made.away), "lost": list(made.lost)}
    return made.founded, facts, [_witness_line(made.witnesses, made.quorum)]


def _witness_line(witnesses: int, quorum: int) -> str:
    from wallet.stewards.charter import tolerance

    votes = f"{quorum} of {witnesses} witnesses make a payment final"
    return f"{votes}: {tolerance(witnesses, quorum)}"
