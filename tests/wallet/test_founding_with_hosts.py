"""Founding with hosts: everybody signs or nothing is left; then each host has the community, or is told later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from node import wallclock
from node.config import read_config
from node.journal import Journal
from node.rebuilding import rebuild
from node.records import EntryRecord
from node.store import journal_folder
from protocol.base import NO_COMMUNITY, Signature
from protocol.bodies import ROLE_WITNESS, Card
from protocol.host_card import HostCard
from protocol.knocks import Acceptance, AskAcceptance, Turned, Welcome, decode_knock, encode_reply
from protocol.ledger import Ledger
from protocol.record import Kind, read_body, record_fault
from protocol.signing import Tag, sign
from tests.builders import key
from wallet.errors import BadRequest, HomeRefused, HostRefused, HostUnreachable
from wallet.founding import Terms
from wallet.home import Home
from wallet.hosts.founding import FoundedWithHosts, Wish, found_with_hosts, quorum_for
from wallet.hosts.kept import read_hosts

from .hosts import NOW, Street, WaitingHost, nothing_kept

TERMS = Terms("Elm", "hours", 2, 2000)


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    made = Street()
    monkeypatch.setattr(wallclock, "now_s", lambda: made.now)
    yield made
    made.close()


@pytest.fixture
def hosts(street: Street, tmp_path: Path) -> list[WaitingHost]:
    """Three that offer to be witnesses."""
    return [street.settle(tmp_path / f"host-{number}") for number in range(3)]


def wish(hosts: list[WaitingHost], **parts: object) -> Wish:
    whole = Wish(TERMS, "ana", tuple(host.card for host in hosts))
    return replace(whole, **parts)  # type: ignore[arg-type]  # by name


async def found(home: Path, street: Street, wanted: Wish) -> FoundedWithHosts:
    return await found_with_hosts(home, wanted, street.knock_from)


def ledger_of(home: Path) -> Ledger:
    journal = Journal.open(journal_folder(home), create=False)
    try:
        return rebuild(journal)
    finally:
        journal.close()


async def test_all_of_them_are_witnesses_of_one_community(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    made = await found(tmp_path / "ana", street, wish(hosts))
    assert (made.witnesses, made.quorum, made.away, made.lost) == (4, 3, (), ())
    commons = ledger_of(tmp_path / "ana").commons
    assert commons.community == made.founded.community and commons.quorum == 3
    assert commons.witnesses[1:] == tuple(host.card.witness for host in hosts)
    for host in hosts:
        (founding,) = [record for _, record in host.store.journal.replay(EntryRecord)]
        assert isinstance(founding, EntryRecord) and founding.signed.id == made.founded.community
        assert read_config(host.home).peers


async def test_everybody_knows_whom_to_dial(tmp_path: Path, street: Street, hosts: list[WaitingHost]) -> None:
    await found(tmp_path / "ana", street, wish(hosts))
    config = read_config(tmp_path / "ana")
    assert config.peers == tuple(f"{host.card.addresses[0]}/p2p/{host.card.peer}" for host in hosts)
    for host in hosts:
        peers = read_config(host.home).peers
        others = {other.card.peer for other in hosts if other is not host}
        assert {peer.rpartition("/p2p/")[2] for peer in peers if not peer.startswith("/p2p/")} == others
        assert sum(peer.startswith("/p2p/") for peer in peers) == 1, "the founder, who dials"


async def test_a_steward_gives_its_word_for_every_host(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    await found(tmp_path / "ana", street, wish(hosts))
    ledger = ledger_of(tmp_path / "ana")
    records = read_hosts(Home(tmp_path / "ana")).records
    cards = [read_body(Kind.CARD, signed.record.body) for signed in records]
    assert [card.peer for card in cards if isinstance(card, Card)] == [host.card.peer for host in hosts]
    assert all(isinstance(card, Card) and card.roles & ROLE_WITNESS for card in cards)
    assert [record_fault(ledger, signed, NOW) for signed in records] == [None] * 3
    for host in hosts:
        assert host.vacant.founding is not None and host.vacant.founding.records == records


async def test_the_founder_may_leave_its_own_node_out(tmp_path: Path, street: Street, hosts: list[WaitingHost]) -> None:
    made = await found(tmp_path / "ana", street, wish(hosts, is_witness=False, quorum=2))
    assert (made.witnesses, made.quorum) == (3, 2)
    assert ledger_of(tmp_path / "ana").commons.witnesses == tuple(host.card.witness for host in hosts)
    assert not read_config(tmp_path / "ana").witness


@pytest.mark.parametrize(("witnesses", "quorum"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7)])
def test_by_default_the_most_may_lie_while_as_many_may_be_away(witnesses: int, quorum: int) -> None:
    assert quorum_for(witnesses) == quorum
    away = witnesses - quorum
    assert 2 * quorum - witnesses - 1 >= away


async def test_a_host_that_is_away_leaves_nothing_behind_and_then_it_can_be_done_again(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    hosts[1].away = "no answer"
    with (
        nothing_kept(tmp_path / "ana"),
        pytest.raises(HostUnreachable, match="127.0.0.1:.* was not reached: no answer") as away,
    ):
        await found(tmp_path / "ana", street, wish(hosts))
    assert "--announce" in away.value.next, "its card shows that only its own computer reaches it"
    assert not any(host.vacant.founded.is_set() for host in hosts)
    hosts[1].away = ""
    assert (await found(tmp_path / "ana", street, wish(hosts))).witnesses == 4


def _spoil(host: WaitingHost, case: str) -> HostCard:
    """The card with which it is asked, once the host is as the case says."""
    if case == "founded":
        host.answers = lambda *_: encode_reply(Turned("founded"))
    if case == "expired there":
        host.answers = lambda *_: encode_reply(Turned("expired"))
    if case == "another answer":
        host.answers = lambda *_: encode_reply(Welcome())
    if case == "signed by another key":
        host.answers = lambda _, frame: _signed_by_another(frame)
    return replace(host.card, seed=bytes(32)) if case == "altered" else host.card


def _signed_by_another(frame: bytes) -> bytes:
    knock = decode_knock(frame)
    assert isinstance(knock, AskAcceptance)
    return encode_reply(Acceptance(Signature(sign(key("mallory"), Tag.ENTRY, NO_COMMUNITY, knock.body))))


REFUSALS = {
    "founded": "serves another community already",
    "expired there": "says that its card has expired",
    "altered": "does not know this card",
    "another answer": "gives an answer that is none",
    "signed by another key": "gives an answer that is none",
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_host_that_does_not_sign_is_named_and_nothing_is_founded(
    tmp_path: Path, street: Street, hosts: list[WaitingHost], case: str
) -> None:
    card = _spoil(hosts[2], case)
    cards = (hosts[0].card, hosts[1].card, card)
    with nothing_kept(tmp_path / "ana"), pytest.raises(HostRefused, match=REFUSALS[case]):
        await found(tmp_path / "ana", street, wish(hosts, cards=cards))
    assert not any(host.vacant.founded.is_set() for host in hosts)


async def test_a_host_whose_answer_cannot_be_read_was_not_reached(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    hosts[0].answers = lambda *_: b"\xff"
    with nothing_kept(tmp_path / "ana"), pytest.raises(HostUnreachable, match="answers with what is no answer"):
        await found(tmp_path / "ana", street, wish(hosts))


BAD: dict[str, tuple[dict[str, object], str]] = {
    "twice": ({"cards": "twice"}, "named twice"),
    "expired": ({"cards": "expired"}, "has expired"),
    "no witness": ({"cards": "no witness"}, "does not offer to be a witness"),
    "too small a quorum": ({"quorum": 2}, "3 to 4 can make a payment final"),
    "too large a quorum": ({"quorum": 5}, "3 to 4 can make a payment final"),
    "a handle that is none": ({"handle": "A b"}, "A handle is"),
    "no name": ({"terms": replace(TERMS, community=" ")}, "name is plain text"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_founded_is_refused_before_anybody_is_asked(
    tmp_path: Path, street: Street, hosts: list[WaitingHost], case: str
) -> None:
    parts, words = BAD[case]
    first = hosts[0].card
    cards = {
        "twice": (first, first), "expired": (replace(first, expires=NOW),),
        "no witness": (replace(first, witness=b"", roles=first.roles & ~ROLE_WITNESS),),
    }  # fmt: skip
    wanted = wish(hosts, **{**parts, **({"cards": cards[case]} if case in cards else {})})
    with pytest.raises(BadRequest, match=words):
        await found(tmp_path / "ana", street, wanted)
    assert not (tmp_path / "ana").exists() and not any(host.asked for host in hosts)


async def test_a_home_in_use_is_left_as_it_is(tmp_path: Path, street: Street, hosts: list[WaitingHost]) -> None:
    await found(tmp_path / "ana", street, wish(hosts[:1]))
    before = {path: path.read_bytes() for path in (tmp_path / "ana").rglob("*") if path.is_file()}
    with pytest.raises(HomeRefused):
        await found(tmp_path / "ana", street, wish(hosts[1:]))
    assert {path: path.read_bytes() for path in (tmp_path / "ana").rglob("*") if path.is_file()} == before
    assert not any(host.asked for host in hosts[1:])


async def test_a_host_that_goes_away_after_it_signed_is_remembered(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    async def signs_and_goes(client: str, frame: bytes) -> bytes | None:
        hosts[1].away = "no answer"
        return await answer(client, frame)

    answer = hosts[1].vacant.answer
    hosts[1].vacant.answer = signs_and_goes  # type: ignore[method-assign]
    made = await found(tmp_path / "ana", street, wish(hosts))
    assert len(made.away) == 1 and not hosts[1].vacant.founded.is_set()
    assert read_hosts(Home(tmp_path / "ana")).untold == (hosts[1].card,)


async def test_a_host_that_somebody_else_founded_with_meanwhile_is_told_of(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    async def signs_for_two(client: str, frame: bytes) -> bytes | None:
        if isinstance(decode_knock(frame), AskAcceptance):
            return await answer(client, frame)
        return encode_reply(Turned("founded"))

    answer = hosts[1].vacant.answer
    hosts[1].vacant.answer = signs_for_two  # type: ignore[method-assign]
    made = await found(tmp_path / "ana", street, wish(hosts))
    assert len(made.lost) == 1 and read_hosts(Home(tmp_path / "ana")).untold == ()


async def test_what_is_kept_of_hosts_is_the_owners_alone(
    tmp_path: Path, street: Street, hosts: list[WaitingHost]
) -> None:
    await found(tmp_path / "ana", street, wish(hosts))
    assert Home(tmp_path / "ana").hosts.stat().st_mode & 0o777 == 0o600
