"""Hostile peers against a whole node: it lives, serves honest people, grows within bounds, and nothing changes.

First all that tests/real/attacks.py does to a transport, now with ledger, witness and wallet behind it. Then a peer
that the node knows and that speaks the protocol, and lies in every message that there is.
"""

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from node.config import read_config
from node.transport import LinkUp, Transport, open_transport
from protocol.base import AccountId, CommunityId, EntryId, PublicKey, Signature
from protocol.bodies import Offer
from protocol.entry import Entry, SignedEntry, sealed
from protocol.invite import Voucher
from protocol.messages import (
    MESSAGES,
    Answer,
    AskBoard,
    AskCommit,
    AskHead,
    AskMark,
    Ballot,
    BoardState,
    Bundle,
    Compare,
    Deliver,
    Fetch,
    Head,
    Heads,
    Hello,
    Hint,
    Hosts,
    Index,
    KeepMark,
    Marked,
    MarkKept,
    Message,
    Missing,
    Moved,
    Position,
    Proof,
    Propose,
    Range,
    Records,
    Requests,
    Seen,
    SeenThere,
    Since,
    Span,
    Submit,
    Want,
    encode_message,
)
from protocol.ops import Send
from protocol.record import Kind, Record, SignedRecord
from protocol.request import Request
from protocol.signing import Authority, Tag
from protocol.statements import Certificate, ForkProof, Mark, Nack, Place, Vote

from .attacks import ATTACKS, Attack, Target
from .town import RealTown, let_in, open_town, peer_of
from .transport_echo import peer_of as peer_number
from .transport_echo import seed_of

WITNESSES = ("ana", "ben", "cleo", "dan")
NAMES = (*WITNESSES, "eva")
LIAR = 1
INTRUDERS = range(10, 10 + len(ATTACKS))
TOGETHER = 5
"""Attacks that run at the same time."""
GROWTH_BYTES_MAX = 150 << 20
SERVED_WITHIN_S = 20.0
UNKNOWN = EntryId(bytes(range(32)))
JUNK = Signature(bytes(64))
MEMBER = AccountId(5)


@asynccontextmanager
async def attacked_town(folder: Path) -> AsyncIterator[RealTown]:
    """A town whose first node knows the attackers."""
    async with open_town(folder, NAMES) as town:
        let_in(town["ana"].home, [peer_number(number) for number in (LIAR, *INTRUDERS)])
        await town.start()
        await town.until_voting(*WITNESSES)
        await town.pay("eva", "ben", 1)
        yield town


def target_of(town: RealTown) -> Target:
    """Where the first node is attacked."""
    home = town["ana"].home
    address = f"/ip4/127.0.0.1/tcp/{read_config(home).listen_port}/p2p/{peer_of(home)}"
    return Target(address, community_of(town).hex())


def community_of(town: RealTown) -> CommunityId:
    return CommunityId(bytes.fromhex(town["ana"].facts["community"]))


def memory_of(town: RealTown, name: str) -> int:
    """Resident bytes of a node's process."""
    pages = Path(f"/proc/{town[name].facts['pid']}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def serves(town: RealTown, paid: int) -> None:
    """The attacked node itself pays, and is paid, in good time."""
    with trio.fail_after(SERVED_WITHIN_S):
        await town.pay("ana", "ben", paid, timeout_s=SERVED_WITHIN_S)
        await town.pay("eva", "ana", paid, timeout_s=SERVED_WITHIN_S)


async def test_a_whole_node_withstands_every_attack_on_its_transport(tmp_path: Path) -> None:
    async with attacked_town(tmp_path) as town:
        before, target = memory_of(town, "ana"), target_of(town)
        numbered = list(zip(INTRUDERS, ATTACKS, strict=True))
        for at in range(0, len(numbered), TOGETHER):
            async with trio.open_nursery() as nursery:
                for number, attack in numbered[at : at + TOGETHER]:
                    nursery.start_soon(one_attack, attack, target, seed_of(number))
            assert town["ana"].is_up
            await serves(town, 1)
        agreed = await town.until_agreed(NAMES)
        rounds = -(-len(numbered) // TOGETHER)
        assert agreed["balances"] == {"ana": 0, "ben": 1 + rounds, "cleo": 0, "dan": 0, "eva": -1 - rounds}
        assert memory_of(town, "ana") - before < GROWTH_BYTES_MAX


async def one_attack(attack: Attack, target: Target, seed: bytes) -> None:
    with trio.move_on_after(20):
        await attack(target, seed)


# A peer that is known, and lies


async def test_a_known_peer_that_lies_in_every_message_changes_nothing(tmp_path: Path) -> None:
    async with attacked_town(tmp_path) as town:
        before = await town.until_agreed(NAMES)
        memory = memory_of(town, "ana")
        async with liar(town) as transport:
            for message in lies(town["ana"].facts):
                await say(transport, town, encode_message(message))
                assert town["ana"].is_up, type(message).__name__
            await hears_all(transport, town)
        after = await town.until_agreed(NAMES)
        assert after["root"] == before["root"] and after["balances"] == before["balances"]
        assert after["dead"] is None and after["problems"] == [] and after["voting"]
        await serves(town, 1)
        assert memory_of(town, "ana") - memory < GROWTH_BYTES_MAX
        log = (town["ana"].home / "run" / "tally.log").read_text()
        assert "Traceback" not in log, log


def test_no_kind_of_message_is_left_out() -> None:
    facts = {"community": bytes(32).hex(), "witness_key": bytes(32).hex()}
    assert {type(message) for message in lies(facts)} == set(MESSAGES.values()) - {Hint}


async def test_floods_of_a_known_peer_are_bounded(tmp_path: Path) -> None:
    async with attacked_town(tmp_path) as town:
        before = await town.until_agreed(NAMES)
        memory = memory_of(town, "ana")
        async with liar(town) as transport:
            for flood in floods(random.Random(1)):
                await say(transport, town, encode_message(flood))
            await hears_all(transport, town)
            await serves(town, 1)
        after = await town.until_agreed(NAMES)
        assert after["balances"] == {**before["balances"], "ana": 0, "ben": 2, "eva": -2}
        assert memory_of(town, "ana") - memory < GROWTH_BYTES_MAX


async def test_a_known_peer_that_sends_garbage_is_shut_out(tmp_path: Path) -> None:
    async with attacked_town(tmp_path) as town:
        async with liar(town) as transport:
            rng = random.Random(2)
            honest = encode_message(Submit(1, b"", Bundle((unsigned(MEMBER, 9),))))
            with trio.fail_after(30):
                while town["ana"].facts["peer_id"] in transport.connected():
                    mutated = bytearray(honest)
                    mutated[rng.randrange(len(mutated))] ^= 1 << rng.randrange(8)
                    for frame in (rng.randbytes(rng.randrange(1, 2_000)), bytes(mutated)):
                        transport.send_nowait(town["ana"].facts["peer_id"], frame)
                    await trio.sleep(0.01)
        await serves(town, 1)
        assert "shut out" in (town["ana"].home / "run" / "tally.log").read_text()


async def test_a_peer_of_another_community_is_not_heard(tmp_path: Path) -> None:
    async with attacked_town(tmp_path) as town:
        before = await town.until_agreed(NAMES)
        async with liar(town, CommunityId(bytes(32))) as transport:
            for message in lies(town["ana"].facts)[1:]:
                await say(transport, town, encode_message(message))
            await trio.sleep(1)
            assert (await town.facts("ana"))["peers"] == len(NAMES) - 1
        assert (await town.until_agreed(NAMES))["root"] == before["root"]


@asynccontextmanager
async def liar(town: RealTown, community: CommunityId | None = None) -> AsyncIterator[Transport]:
    """A linked peer that has said Hello."""
    target = target_of(town)
    async with trio.open_nursery() as nursery:
        transport: Transport = await nursery.start(open_transport, seed_of(LIAR), "", [target.address], target.topic)
        with trio.fail_after(SERVED_WITHIN_S):
            assert await transport.links.receive() == LinkUp(town["ana"].facts["peer_id"])
        hello = Hello(community or community_of(town), bytes(16), 2**40, b"", b"")
        await say(transport, town, encode_message(hello))
        yield transport
        nursery.cancel_scope.cancel()


async def hears_all(transport: Transport, town: RealTown) -> None:
    """Wait until the node has answered a question that was asked after all else."""
    nobody = PublicKey(os.urandom(32))
    answer = encode_message(Marked(nobody, None, None))
    with trio.fail_after(SERVED_WITHIN_S):
        assert transport.send_nowait(town["ana"].facts["peer_id"], encode_message(AskMark(nobody)))
        async for _, frames in transport.inbox:
            if answer in frames:
                return


async def say(transport: Transport, town: RealTown, frame: bytes) -> None:
    """Send a frame when there is room for it, and read what the node has answered so far."""
    with trio.fail_after(SERVED_WITHIN_S):
        while not transport.send_nowait(town["ana"].facts["peer_id"], frame):
            await trio.sleep(0.01)
    with trio.move_on_after(0.001):
        async for _ in transport.inbox:
            pass


def unsigned(account: AccountId, seq: int, height: int = 0, incarnation: int = 0, round: int = 0) -> SignedEntry:
    """An entry that looks right and that nobody signed."""
    entry = Entry(1, account, incarnation, seq, UNKNOWN, height, 0, (Send(AccountId(1), 1_000, None),))  # type: ignore[arg-type]
    return sealed(entry, ((0, JUNK),), round)


def place(account: int = MEMBER, seq: int = 1, round: int = 0) -> Place:
    return Place(0, AccountId(account), round, seq, UNKNOWN)


def certificate(of: Place) -> Certificate:
    return Certificate(of, tuple((witness, 2**40, JUNK) for witness in range(3)))


def lies(facts: dict[str, str]) -> list[Message]:
    """Every kind of message, with something in it that is not so."""
    own = PublicKey(bytes.fromhex(facts["witness_key"]))
    mark, vote = Mark(own, 2**50, JUNK), Vote(Tag.VOTE, place(), 0, 2**40, JUNK)
    entries = [unsigned(MEMBER, seq) for seq in (0, 1, 2, 3, 100, 2**62)]
    acts = [unsigned(AccountId(0), seq, max(0, seq - 1), 0, round) for seq in (0, 1, 2, 2**62) for round in (0, 2**62)]
    said: list[Message] = [
        Hello(CommunityId(bytes.fromhex(facts["community"])), bytes(16), 2**62, own, bytes(64)),
        Hosts((AccountId(0), MEMBER, AccountId(2**32 - 1))),
        *(Submit(2**62, bytes(16), Bundle((one,), (certificate(place(seq=one.seq)),))) for one in entries + acts),
        *(Deliver(serial, Bundle(tuple(entries + acts), (certificate(place()),))) for serial in (0, 1, 2**62)),
        *(Deliver(0, Bundle((), (certificate(place(account, seq, round)),)))
          for account in (0, 1, MEMBER, 2**32 - 1) for seq in (0, 1, 2**62) for round in (0, 2**62)),
        *(Answer(serial, vote, Bundle(tuple(entries))) for serial in range(1, 20)),
        *(Answer(serial, Nack(place(), 1, 33, 0, JUNK)) for serial in (1, 2, (1 << 40) + 1)),
        *(Missing(serial, (Span(MEMBER, 0, 0, 2**62), Span(AccountId(0), 0, 0, 2**62))) for serial in range(20)),
        Seen(tuple(Position(AccountId(account), 0, 1, UNKNOWN) for account in range(6))),
        Want(1, tuple(Span(AccountId(account), 0, 0, 2**62) for account in range(100))),
        Since(0, False), Since(2**62, True), Fetch(1, (0, 1, 2, 2**62)), Fetch(2, ()),
        Index(tuple((row, True, Position(MEMBER, 0, row, UNKNOWN)) for row in range(500)), 2**62, True),
        Moved(tuple(Position(AccountId(n), 0, 2**62, UNKNOWN) for n in range(500)), 2**62, True),
        Compare(()), Compare((Range(0, 2**32 - 1, 7, bytes(32)), Range(9, 3, 0, bytes(32)))),
        Heads(((0, 2**32 - 1),), tuple(Position(AccountId(n), 0, 2**62, UNKNOWN) for n in range(500)), True),
        AskHead(1, MEMBER, bytes(16), b"", JUNK), AskHead(1, AccountId(0), bytes(16), b"", JUNK),
        AskHead(1, AccountId(2**32 - 1), bytes(16), bytes(16), JUNK),
        *(Head(serial, True, Position(MEMBER, 0, 2**62, UNKNOWN), 2**62) for serial in range(1, 20)),
        AskMark(own), AskMark(PublicKey(bytes(32))), Marked(own, mark, vote), Marked(own, None, vote),
        KeepMark(mark), KeepMark(Mark(PublicKey(bytes(32)), 1, JUNK)), MarkKept(own, 2**62),
        *(Ballot(1, signed, certificate(place(0, signed.seq))) for signed in acts + entries),
        *(AskCommit(1, signed, certificate(place(0, signed.seq))) for signed in acts + entries),
        Proof(ForkProof(entries[1], unsigned(MEMBER, 1, 1))), Proof(ForkProof(entries[1], entries[1])),
        SeenThere(tuple(Position(AccountId(account), 0, 1, UNKNOWN) for account in range(6))),
        *map(Propose, acts + entries),
        *board_lies(),
    ]  # fmt: skip
    return said


def board_lies() -> list[Message]:
    """Records, their fingerprints and requests that nobody signed."""
    offer = Offer("free money", "", "", 1, 2**62).body()
    authors = [AccountId(0), MEMBER, AccountId(2**32 - 1)]
    records = [
        SignedRecord(Record(author, kind, b"", 2**62, offer), ((0, JUNK),)) for author in authors for kind in Kind
    ]
    voucher = Voucher(PublicKey(bytes(32)), AccountId(0), 1000, 2**40, 0, 2**62, ((0, JUNK),))
    asked = Request(voucher, Authority(1, (PublicKey(bytes(32)),)), "mallory", "let me in", 2**62, JUNK, ((0, JUNK),))
    marks = tuple((AccountId(number), bytes([number % 256]) * 32) for number in range(500))
    return [
        Records(tuple(records)), Records(()), BoardState(bytes(32), marks, True), BoardState(bytes(32), (), False),
        AskBoard(tuple(AccountId(number) for number in range(500))), AskBoard(()), Requests((asked,)), Requests(()),
    ]  # fmt: skip


def floods(rng: random.Random) -> list[Message]:
    """Much of what can only wait, or has to be remembered."""

    def entries(of: list[tuple[int, int, int]]) -> Message:
        return Deliver(0, Bundle(tuple(unsigned(AccountId(account), seq, height) for account, seq, height in of)))

    accounts = [rng.randrange(2**32) for _ in range(10_000)]
    pages = [accounts[at : at + 500] for at in range(0, len(accounts), 500)]
    return [
        *(entries([(account, 3, 2**40) for account in page]) for page in pages),
        *(entries([(rng.randint(1, 5), rng.randint(10, 10_000), 0) for _ in range(500)]) for _ in range(10)),
        *(Hosts(tuple(AccountId(rng.randrange(2**32)) for _ in range(1_000))) for _ in range(150)),
        *(Heads((), tuple(Position(AccountId(rng.randrange(2**32)), 0, 2**62, UNKNOWN) for _ in range(1_000)), False)
          for _ in range(60)),
        *(Deliver(0, Bundle((), tuple(certificate(place(account)) for account in page[:200]))) for page in pages[:3]),
        *(Seen(tuple(Position(AccountId(rng.randint(1, 5)), 0, 0, UNKNOWN) for _ in range(500))) for _ in range(20)),
        *(Missing(serial, (Span(MEMBER, 0, 0, 2**62),)) for serial in range(1_000)),
    ]  # fmt: skip
