"""A host without a community: its founder is answered, once; everybody else changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from node.config import NodeConfig, read_config, write_config
from node.filesystem import StoreRefused
from node.hosting.home import card_file
from node.hosting.vacant import Vacant, keep_founding
from node.identity import Identity
from node.journal import Journal
from node.records import WitnessRecord
from node.store import Store, give_community, has_community
from protocol.base import KEY_BYTES, NO_COMMUNITY, Signature
from protocol.bodies import ROLE_ARCHIVE, ROLE_WITNESS
from protocol.bundles import Bundle
from protocol.entry import SignedEntry, sealed
from protocol.host_card import HostCard
from protocol.knocks import (
    Acceptance,
    AskAcceptance,
    BeFounded,
    Knock,
    Reply,
    ShowRecords,
    Turned,
    Welcome,
    decode_reply,
    encode_knock,
    knock_content,
)
from protocol.signing import SecretKey, Tag, sign, verify
from tests.builders import Town, found, key

FOUNDER, STRANGER = "12D3Founder", "12D3Stranger"
NOW, EXPIRES = 1_000, 2_000
PEER = "/ip4/127.0.0.1/tcp/4100/p2p/" + HostCard(key("other").public, 0, (), b"", 0, b"").peer
TOWN = found("ana", witnesses=3)
BODY = TOWN.founding.body


@dataclass
class Waiting:
    """A host that waits; its clock and card can be set."""

    home: Path
    store: Store
    card: HostCard | None
    now: float = NOW
    vacant: Vacant = field(init=False)

    def __post_init__(self) -> None:
        self.vacant = Vacant(
            self.store, self.store.identity.peer_id, lambda: self.card, lambda: self.now,
            lambda knock, founder: keep_founding(self.home, self.store, knock, founder),
        )  # fmt: skip

    def proof(self, by: SecretKey | None = None, client: str = FOUNDER, server: str = "") -> Signature:
        """What the founder proves itself with."""
        assert self.card is not None
        content = knock_content(server or self.store.identity.peer_id, client)
        return sign(by or self.card.key, Tag.KNOCK, NO_COMMUNITY, content)

    def facts(self) -> object:
        """All that an answer could change."""
        return self.store.journal.counts(), read_config(self.home), card_file(self.home).exists(), self.vacant.founding


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Waiting]:
    """The host whose witness key is that of the town's first witness."""
    yield from waiting(tmp_path, witness=True)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Waiting]:
    """A host that offers no witness."""
    yield from waiting(tmp_path, witness=False)


def waiting(home: Path, *, witness: bool) -> Iterator[Waiting]:
    identity = Identity(bytes([7]) * KEY_BYTES, key("witness 0"))
    journal = Journal.open(home / "node" / "journal", create=True)
    journal.append([WitnessRecord(identity.witness_key.public)])
    write_config(NodeConfig(home, witness=witness))
    roles = ROLE_ARCHIVE | (ROLE_WITNESS if witness else 0)
    offered = identity.witness_key.public if witness else b""
    card = HostCard(identity.transport_key, roles, ("/ip4/127.0.0.1/tcp/1",), offered, EXPIRES, bytes([9]) * KEY_BYTES)
    card_file(home).write_text(str(card))
    yield Waiting(home, Store(journal, identity), card)
    journal.close()


async def ask(host: Waiting, knock: Knock, client: str = FOUNDER) -> Reply | None:
    reply = await host.vacant.answer(client, encode_knock(knock))
    return None if reply is None else decode_reply(reply)


def be_founded(host: Waiting, town: Town = TOWN, **parts: object) -> BeFounded:
    knock = BeFounded(Bundle((town.founding,)), (), (PEER,), host.proof())
    return replace(knock, **parts)  # type: ignore[arg-type]  # by name


async def test_the_founder_gets_the_signature_of_the_witness_that_the_entry_names(host: Waiting) -> None:
    for _ in range(2):
        reply = await ask(host, AskAcceptance(BODY, host.proof()))
        assert isinstance(reply, Acceptance)
        assert verify(key("witness 0").public, Tag.ENTRY, NO_COMMUNITY, BODY, reply.signature)
    other = await ask(host, AskAcceptance(found("ben", witnesses=2).founding.body, host.proof()))
    assert isinstance(other, Acceptance), "nothing binds before the founding"


async def test_a_signature_under_a_founding_changes_nothing(host: Waiting) -> None:
    before = host.facts()
    await ask(host, AskAcceptance(BODY, host.proof()))
    assert host.facts() == before


async def test_founded_it_keeps_the_community_whom_to_dial_and_who_founded_it(host: Waiting) -> None:
    assert await ask(host, be_founded(host)) == Welcome()
    assert has_community(host.store.journal)
    assert read_config(host.home).peers == (PEER, f"/p2p/{FOUNDER}")
    assert not card_file(host.home).exists()
    assert host.vacant.founded.is_set() and host.vacant.founding is not None
    assert host.vacant.founding.founding == TOWN.founding


async def test_the_card_serves_once(host: Waiting) -> None:
    await ask(host, be_founded(host))
    before = host.facts()
    assert await ask(host, be_founded(host)) == Turned("founded")
    assert await ask(host, AskAcceptance(BODY, host.proof())) == Turned("founded")
    assert host.facts() == before


async def test_a_host_without_witness_keeps_a_community_that_does_not_name_it(archive: Waiting) -> None:
    elsewhere = found("ana", witnesses=3)
    foreign = replace(elsewhere, founding=_without_first_witness())
    assert await ask(archive, be_founded(archive, foreign)) == Welcome()
    assert has_community(archive.store.journal)


def _without_first_witness() -> SignedEntry:
    """A founding by witnesses 1 and 2 alone."""
    whole = found("ana", witnesses=3)
    first, *rest = whole.founding.entry.ops
    keys = tuple(key(f"witness {index}") for index in (1, 2))
    entry = replace(
        whole.founding.entry,
        ops=(replace(first, quorum=2, witnesses=tuple(one.public for one in keys)), *rest),  # type: ignore[type-var]
    )
    body = entry.encode()
    signers = (key("steward"), *keys)
    return sealed(entry, tuple((n, sign(one, Tag.ENTRY, NO_COMMUNITY, body)) for n, one in enumerate(signers)))


def _unsigned(town: Town) -> Bundle:
    return Bundle((replace(town.founding, signatures=town.founding.signatures[:-1]),))


BAD: dict[str, tuple[Callable[[Waiting], Knock], str]] = {
    "a proof by another key": (lambda host: AskAcceptance(BODY, host.proof(key("somebody"))), "unproven"),
    "a proof for another client": (lambda host: AskAcceptance(BODY, host.proof(client=STRANGER)), "unproven"),
    "a proof for another host": (lambda host: AskAcceptance(BODY, host.proof(server=STRANGER)), "unproven"),
    "the witness's own key as proof": (lambda host: AskAcceptance(BODY, host.proof(key("witness 0"))), "unproven"),
    "a founding with a proof by another key": (
        lambda host: be_founded(host, proof=host.proof(key("somebody"))), "unproven",
    ),
    "bytes that are no entry": (lambda host: AskAcceptance(b"\x90", host.proof()), "no_founding"),
    "a member's entry": (lambda host: AskAcceptance(found("ana").open("ana").body, host.proof()), "no_founding"),
    "a later entry of account 0": (
        lambda host: AskAcceptance(found("ana").propose(found("ana").admit("ben")).body, host.proof()), "no_founding",
    ),
    "a founding that does not name this witness": (
        lambda host: AskAcceptance(_without_first_witness().body, host.proof()), "not_named",
    ),
    "no entry": (lambda host: be_founded(host, bundle=Bundle()), "no_founding"),
    "a signature missing": (lambda host: be_founded(host, bundle=_unsigned(TOWN)), "no_founding"),
    "two entries": (
        lambda host: be_founded(host, bundle=Bundle((TOWN.founding, TOWN.founding))), "no_founding",
    ),
    "a member's entry as founding": (
        lambda host: be_founded(host, bundle=Bundle((found("ana").open("ana"),))), "no_founding",
    ),
    "a community that does not name this witness": (
        lambda host: be_founded(host, bundle=Bundle((_without_first_witness(),))), "not_named",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_a_question_of_no_founder_is_turned_away_and_changes_nothing(host: Waiting, case: str) -> None:
    make, code = BAD[case]
    before = host.facts()
    assert await ask(host, make(host)) == Turned(code)
    assert host.facts() == before and not host.vacant.founded.is_set()


async def test_a_host_without_witness_signs_nothing_and_is_no_witness(archive: Waiting) -> None:
    before = archive.facts()
    assert await ask(archive, AskAcceptance(BODY, archive.proof())) == Turned("not_named")
    assert await ask(archive, be_founded(archive)) == Turned("not_named")
    assert archive.facts() == before


async def test_after_its_time_a_card_opens_nothing(host: Waiting) -> None:
    host.now = EXPIRES
    before = host.facts()
    for knock in (AskAcceptance(BODY, host.proof()), be_founded(host)):
        assert await ask(host, knock) == Turned("expired")
    assert host.facts() == before


async def test_a_new_card_makes_the_one_before_void(host: Waiting) -> None:
    assert host.card is not None
    old = host.proof()
    host.card = replace(host.card, seed=bytes([8]) * KEY_BYTES)
    assert await ask(host, AskAcceptance(BODY, old)) == Turned("unproven")
    assert isinstance(await ask(host, AskAcceptance(BODY, host.proof())), Acceptance)


async def test_without_a_card_nobody_is_the_founder(host: Waiting) -> None:
    knock = be_founded(host)
    host.card = None
    assert await ask(host, knock) == Turned("unproven")


@pytest.mark.parametrize("frame", [b"", b"\xff", b"\x91\x63", b"\x90"])
async def test_what_cannot_be_read_is_hung_up_on(host: Waiting, frame: bytes) -> None:
    before = host.facts()
    assert await host.vacant.answer(STRANGER, frame) is None
    assert host.facts() == before


async def test_questions_of_other_kinds_are_hung_up_on(host: Waiting) -> None:
    assert await ask(host, ShowRecords(TOWN.community, ()), STRANGER) is None


def test_a_journal_with_a_community_takes_no_second_one(host: Waiting) -> None:
    give_community(host.store, TOWN.founding)
    counts = host.store.journal.counts()
    with pytest.raises(StoreRefused, match="a community in this journal already"):
        give_community(host.store, found("ben").founding)
    assert host.store.journal.counts() == counts


async def test_a_disk_that_refuses_leaves_the_host_waiting(host: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("node.hosting.vacant.write_config", full)
    before = host.facts()
    with pytest.raises(OSError, match="No space"):
        await ask(host, be_founded(host))
    assert host.facts() == before
    monkeypatch.undo()
    assert await ask(host, be_founded(host)) == Welcome()
