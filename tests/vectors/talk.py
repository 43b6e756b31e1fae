"""One of each message between nodes, and what is no message: the content of messages.json."""

from typing import Any

from protocol import codec
from protocol.base import AccountId, EntryId
from protocol.bodies import Offer
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
from protocol.record import Kind
from protocol.replication import fingerprint
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import ForkProof, Mark, Nack
from protocol.verdict import Code
from tests.builders import Town, found, key
from tests.papers import record, request, voucher

from .writing import send

INSTANCE = bytes(range(16))


def _of_witnesses(town: Town) -> list[Message]:
    place = town.place(town.draft("ana", send(2, 5)))
    secret: SecretKey = town.witnesses[1]
    mark = Mark(secret.public, 64, sign(secret, Tag.MARK, town.community, Mark.content(secret.public, 64)))
    vote = town.vote(place, 1)
    nack = Nack(place, 1, Code.LIMIT, 0, sign(secret, Tag.NACK, town.community, Nack.content(place, Code.LIMIT, 0)))
    proposal = town.propose()
    return [
        Answer(7, vote),
        Answer(7, nack, Bundle((town.draft("ana", send(2, 6)),))),
        AskMark(secret.public),
        Marked(secret.public, mark, vote),
        Marked(secret.public, None, None),
        KeepMark(mark),
        MarkKept(secret.public, 64),
        Ballot(8, proposal, None),
        AskCommit(9, proposal, town.certificate(proposal)),
    ]


def _of_replication(town: Town) -> list[Message]:
    here = Position(AccountId(1), 0, 3, EntryId(bytes(32)))
    opened = town.draft("ana", send(2, 5))
    bundle = Bundle((opened,), (town.certificate(opened),))
    span = Span(AccountId(1), 0, 2, 2**63 - 1)
    return [
        Deliver(0, bundle),
        Seen((here,)),
        Hint((here,), bundle),
        Hint((here, here)),
        Want(3, (span,)),
        Since(1000, True),
        Moved((here,), 1001, False),
        Index(((5, False, here), (6, True, here)), 6, True),
        Fetch(4, (5, 6)),
        Compare((Range(0, 2**32 - 1, 1, fingerprint([here])),)),
        Heads(((0, 2**32 - 1),), (here,), True),
        Proof(ForkProof(opened, town.draft("ana", send(2, 6)))),
    ]


def _of_wallets(town: Town) -> list[Message]:
    secret = town.witnesses[0]
    proof = sign(secret, Tag.HELLO, town.community, Hello.content("12D3KooW", INSTANCE))
    asked = sign(key("ana"), Tag.INSTANCE, town.community, AskHead.content(secret.public, AccountId(1), INSTANCE, b""))
    here = Position(AccountId(1), 0, 3, EntryId(bytes(32)))
    return [
        Hello(town.community, INSTANCE, 12, b"", b""),
        Hello(town.community, INSTANCE, 12, secret.public, proof),
        Hosts((AccountId(1), AccountId(70_000))),
        Submit(1, INSTANCE, Bundle((town.draft("ana", send(2, 5)),))),
        Missing(1, (Span(AccountId(0), 0, 1, 2),)),
        AskHead(2, AccountId(1), INSTANCE, b"", asked),
        Head(2, True, None, 0),
        Head(2, False, here, 4),
    ]


def _of_the_board(town: Town) -> list[Message]:
    offer = record(town, AccountId(1), Kind.OFFER, b"bread", Offer("Bread", "food", "Baked today", 250, 9_000).body())
    mark = bytes(range(32))
    return [
        Propose(town.propose()),
        Records((offer,)),
        BoardState(mark, ((AccountId(0), mark), (AccountId(1), mark)), False),
        AskBoard((AccountId(0), AccountId(1))),
        Requests((request(town, voucher(town), "carl"),)),
        SeenThere((Position(AccountId(1), 0, 3, EntryId(bytes(32))),)),
    ]


def _wrong(town: Town) -> dict[str, bytes]:
    """What is no message."""
    founding, place = town.founding.encode(), town.place(town.draft("ana", send(2, 5)))
    return {
        "a tag that is not in the table": codec.encode((0,)),
        "an empty array": codec.encode(()),
        "a field too many": codec.encode((10, 1000, 0, 0)),
        "a field too few": codec.encode((10, 1000)),
        "another version": codec.encode((1, 2, town.community, INSTANCE, 12, b"", b"")),
        "a proof without a witness key": codec.encode((1, 1, town.community, INSTANCE, 12, b"", bytes(64))),
        "a witness key without a proof": codec.encode(
            (1, 1, town.community, INSTANCE, 12, town.witnesses[0].public, b"")
        ),
        "a generation of 15 bytes": codec.encode((1, 1, town.community, INSTANCE[:15], 12, b"", b"")),
        "an instance of 17 bytes": codec.encode((3, 1, bytes(17), (founding,), ())),
        "a malformed entry inside": codec.encode((6, 0, (founding[:-1],), ())),
        "a malformed certificate inside": codec.encode((6, 0, (), (b"\x90",))),
        "a vote said to be a nack": codec.encode((4, 7, 0, town.vote(place, 1).encode(), (), ())),
        "a malformed mark inside": codec.encode((18, town.witnesses[1].public, b"\x93", b"")),
        "a proof of one entry": codec.encode((23, codec.encode((founding,)))),
        "a place of incarnation 65,536": codec.encode((7, ((1, 65_536, 0, bytes(32)),))),
        "a round in a place of account 0": codec.encode((7, ((0, 65_536, 0, bytes(32)),))),
        "a hello of nothing": codec.encode((1,)),
        "briefly is neither 0 nor 1": codec.encode((10, 1000, 2)),
        "a submission without an entry": codec.encode((3, 1, INSTANCE, (), ())),
        "an instance of 15 bytes": codec.encode((15, 2, 1, INSTANCE[:15], b"", bytes(64))),
        "yes is neither 0 nor 1": codec.encode((16, 2, 2, (), 0)),
        "a stray byte": encode_message(Since(1000, True)) + b"\0",
    }


def messages() -> list[dict[str, Any]]:
    """All of messages.json: right ones, then bytes that are no message."""
    town = found("ana", "ben", limit=100, witnesses=4, quorum=3)
    spoken = [*_of_wallets(town), *_of_witnesses(town), *_of_replication(town), *_of_the_board(town)]
    assert {type(message) for message in spoken} == set(MESSAGES.values())
    rows = [(type(message).__name__, encode_message(message), True) for message in spoken]
    rows += [(name, raw, False) for name, raw in _wrong(town).items()]
    return [{"name": name, "rule": "R18.2", "bytes": raw.hex(), "right": right} for name, raw, right in rows]
