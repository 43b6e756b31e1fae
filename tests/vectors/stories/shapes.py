"""Ops that are badly formed by themselves or beside one another, and kinds that do not exist."""

from protocol.base import AMOUNT_MAX, COMMONS, AccountId, Amount
from protocol.ops import (
    FORBIDDEN_CODE_POINTS,
    RESERVED_TAGS,
    Admit,
    Bounce,
    Charge,
    Open,
    PublicNote,
    Recv,
    SealedNote,
    Unknown,
)
from protocol.signing import Authority
from tests.builders import Town, authority, found
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", "cleo", limit=100, witnesses=1)
    tale = Story("shapes", "Every way in which a member's ops can be badly formed; nothing of it enters a chain.", town)
    _opening(tale, town)
    tale.open("ana", "ben")
    _sends(tale, town)
    _takes(tale, town)
    _notes(tale, town)
    _kinds(tale, town)
    tale.final("after all that ana can still pay", "R3.9", town.write("ana", send(town["ben"], 1)))
    return tale


def _opening(tale: Story, town: Town) -> None:
    own, next_hash = authority("ana"), authority("ana next").hash()
    opened = Open(own, next_hash)
    tale.refused("the first entry has no op", "R3.4", town.draft("ana"), "place")
    tale.refused("the first entry begins with a send", "R3.4", town.draft("ana", send(town["ben"], 1)), "place")
    tale.refused("open comes second", "R3.4", town.draft("ana", send(town["ben"], 1), opened), "place")
    tale.refused("open stands twice", "R3.8", town.draft("ana", opened, opened), "op_shape")
    tale.refused("open names another key", "R3.8", town.draft("ana", Open(authority("eve"), next_hash)), "op_shape")
    tale.refused(
        "open names one key more", "R3.8", town.draft("ana", Open(authority("ana", "eve"), next_hash)), "op_shape"
    )
    tale.refused(
        "open names another threshold", "R3.8", town.draft("ana", Open(Authority(0, own.keys), next_hash)), "op_shape"
    )
    tale.refused(
        "a stranger opens ana's account",
        "R3.6",
        town.sign(town["ana"], 0, town.community, 0, opened, by=("eve",)),
        "signature",
    )


def _sends(tale: Story, town: Town) -> None:
    ana, ben, cleo = town["ana"], town["ben"], town["cleo"]
    tale.refused("no op at all", "R3.8", town.draft("ana"), "op_shape")
    tale.refused("open, later", "R3.8", town.draft("ana", Open(authority("ana"), bytes(32))), "op_shape")
    tale.refused("ana pays herself", "R3.8", town.draft("ana", send(ana, 1)), "op_shape")
    tale.refused("ana pays ben nothing", "R3.8", town.draft("ana", send(ben, 0)), "op_shape")
    tale.refused(
        "ana pays ben one more than the largest amount",
        "R3.8",
        town.draft("ana", send(ben, AMOUNT_MAX + 1)),
        "op_shape",
    )
    tale.refused(
        "the largest amount is well formed, and over her limit",
        "R3.16",
        town.draft("ana", send(ben, AMOUNT_MAX)),
        "limit",
    )
    tale.refused("ana pays 2^63 - 1", "R3.8", town.draft("ana", send(ben, 2**63 - 1)), "op_shape")
    tale.refused("two sends to ben", "R3.8", town.draft("ana", send(ben, 1), send(ben, 2)), "op_shape")
    tale.refused("two sends to account 0", "R3.8", town.draft("ana", send(0, 1), send(0, 1)), "op_shape")
    tale.refused("number 4 is no member", "R3.9", town.draft("ana", send(4, 1)), "payee_unknown")
    tale.refused("the last number there is, no member", "R3.9", town.draft("ana", send(2**32 - 1, 1)), "payee_unknown")
    tale.refused(
        "a well formed send to a stranger, then a bad one",
        "R15.2",
        town.draft("ana", send(4, 1), send(ana, 1)),
        "op_shape",
    )
    tale.refused(
        "a stranger, and too much for cleo", "R15.2", town.draft("ana", send(4, 1), send(cleo, 10**6)), "payee_unknown"
    )
    tale.refused("65 ops", "R3.8", town.draft("ana", *(Recv(ben, 0, seq, 1) for seq in range(65))), "op_shape")


def _takes(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    tale.refused("ana takes from herself", "R3.8", town.draft("ana", Recv(ana, 0, 0, 1)), "op_shape")
    tale.refused("two recvs from ben", "R3.8", town.draft("ana", Recv(ben, 0, 0, 1), Recv(ben, 0, 1, 2)), "op_shape")
    tale.waiting(
        "two recvs from ben in different incarnations are well formed",
        "R3.8",
        town.draft("ana", Recv(ben, 1, 0, 1), Recv(ben, 0, 1, 2)),
        "reference",
    )
    tale.refused("ana bounces to herself", "R3.8", town.draft("ana", Bounce(ana, 0, 0)), "op_shape")
    tale.refused("one bounce twice", "R3.8", town.draft("ana", Bounce(ben, 0, 1), Bounce(ben, 0, 1)), "op_shape")
    tale.refused(
        "a bounce after a recv from ben", "R3.8", town.draft("ana", Recv(ben, 0, 1, 1), Bounce(ben, 0, 0)), "op_shape"
    )
    tale.waiting(
        "a bounce before a recv from ben", "R3.8", town.draft("ana", Bounce(ben, 0, 1), Recv(ben, 0, 2, 1)), "reference"
    )
    tale.refused(
        "a bounce and then a send to ben", "R3.8", town.draft("ana", Bounce(ben, 0, 1), send(ben, 1)), "op_shape"
    )
    tale.refused(
        "a send and then a bounce to ben", "R3.8", town.draft("ana", send(ben, 1), Bounce(ben, 0, 1)), "op_shape"
    )


def _notes(tale: Story, town: Town) -> None:
    ben = town["ben"]
    ends = {point for ends in FORBIDDEN_CODE_POINTS for point in ends} | {0xE000}
    for point in sorted(ends - set(range(0xD800, 0xE000))):  # lone surrogates have no UTF-8
        hidden = PublicNote(f"a{chr(point)}b")
        tale.refused(f"U+{point:04X} in a note", "R14.12", town.draft("ana", send(ben, 1, hidden)), "op_shape")
    fine = PublicNote("Brot & Käse 7 € \U0001f35e \u05d0\u0301")
    notes: dict[str, PublicNote | SealedNote] = {
        "letters of many scripts and a picture": fine,
        "a note of 256 bytes": PublicNote("ä" * 128),
        "an empty note": PublicNote(""),
        "a sealed note of 256 bytes": SealedNote(bytes(256)),
        "an empty box": SealedNote(b""),
    }
    for name, note in notes.items():
        signed = tale.entry(name, "R14.11", town.write("ana", send(ben, 1, note)))
        tale.certificate(f"its certificate: {name}", "R7.3", town.certificate(signed))


def _kinds(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    for tag, name in RESERVED_TAGS.items():
        tale.refused(f"the reserved op {name}", "R3.7", town.draft("ana", Unknown(tag, (1,))), "op_unknown")
    tale.refused(
        "an op that nobody knows, with fields of all types",
        "R3.7",
        town.draft("ana", Unknown(200, (1, b"x", "y", ((),)))),
        "op_unknown",
    )
    tale.refused("op tag 0", "R3.7", town.draft("ana", Unknown(0, ())), "op_unknown")
    tale.refused("the largest op tag", "R3.7", town.draft("ana", Unknown(256, ())), "op_unknown")
    tale.refused(
        "an unknown op after a badly formed one", "R3.7", town.draft("ana", send(ana, 1), Unknown(99, ())), "op_unknown"
    )
    tale.refused(
        "an op of account 0 in a member's chain: charge",
        "R3.7",
        town.draft("ana", Charge(ben, COMMONS, Amount(1), "")),
        "op_unknown",
    )
    tale.refused(
        "an op of account 0 in a member's chain: admit",
        "R3.7",
        town.draft("ana", Admit(AccountId(4), "dora", authority("dora"), 0)),
        "op_unknown",
    )
