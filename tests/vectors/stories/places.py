"""Places, heights, signatures, rivals: may an entry stand where it wants to, and did its author write it?"""

from dataclasses import replace

from protocol.base import COMMONS, AccountId, CommunityId
from protocol.entry import SignedEntry
from protocol.ops import Bounce, Open, Recv
from protocol.signing import Tag
from tests.builders import Town, authority, found, key, signatures
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", "cleo", limit=100, witnesses=4, quorum=3, ops=())
    tale = Story("places", "Where an entry may stand, what it must cite, who must sign it, and what a rival is.", town)
    _before_opening(tale, town)
    tale.open("ana", "ben")
    _places(tale, town)
    _heights(tale, town)
    _signatures(tale, town)
    _rivals(tale, town)
    return tale


def _before_opening(tale: Story, town: Town) -> None:
    ana, one = town["ana"], send(town["ben"], 1)
    opened = Open(authority("ana"), authority("ana next").hash())
    tale.waiting("an entry before the account is open", "R3.4", town.sign(ana, 1, bytes(32), 0, one), "prev")
    tale.refused(
        "an opening whose prev is zero and not the community", "R3.4", town.sign(ana, 0, bytes(32), 0, opened), "place"
    )
    tale.refused(
        "an opening in incarnation 1", "R3.4", town.sign(ana, 0, town.community, 0, opened, incarnation=1), "place"
    )
    tale.refused(
        "number 4 was never admitted",
        "R3.3",
        town.sign(AccountId(4), 0, town.community, 0, opened, by=("eve",)),
        "account_unknown",
    )
    tale.waiting(
        "an opening that cites a height nobody knows", "R3.3", town.sign(ana, 0, town.community, 1, opened), "height"
    )
    tale.waiting(
        "a stranger's entry that cites a height nobody knows",
        "R15.2",
        town.sign(AccountId(4), 0, town.community, 1, opened, by=("eve",)),
        "height",
    )
    tale.refused("version 2", "R3.2", town.sign(ana, 0, town.community, 0, opened, version=2), "version")
    tale.refused(
        "version 2, of nobody, citing the future",
        "R15.2",
        town.sign(AccountId(9), 5, bytes(32), 7, one, version=2, by=("eve",)),
        "version",
    )


def _places(tale: Story, town: Town) -> None:
    ana, one = town["ana"], send(town["ben"], 1)
    seq, head, _ = town.heads[ana]
    tale.waiting("one place too far", "R3.4", town.sign(ana, seq + 2, head, 0, one), "prev")
    tale.waiting("a place far away", "R3.4", town.sign(ana, 2**63 - 1, head, 0, one), "prev")
    tale.refused("the right place, another prev", "R3.4", town.sign(ana, seq + 1, bytes(32), 0, one), "place")
    tale.refused(
        "the right place, ben's head as prev",
        "R3.4",
        town.sign(ana, seq + 1, town.heads[town["ben"]][1], 0, one),
        "place",
    )
    tale.refused("another incarnation", "R3.4", town.sign(ana, seq + 1, head, 0, one, incarnation=1), "place")
    tale.refused(
        "another incarnation, a place too far: place comes first",
        "R3.4",
        town.sign(ana, seq + 2, head, 0, one, incarnation=65535),
        "place",
    )
    tale.waiting(
        "a recv from a stranger waits for the stranger's entry",
        "R3.9",
        town.draft("ana", Recv(AccountId(9), 0, 0, 1)),
        "reference",
    )
    tale.waiting("so does a bounce", "R3.9", town.draft("ana", Bounce(AccountId(9), 0, 0)), "reference")
    first = tale.entry("ana pays ben, not final yet", "R3.4", town.write("ana", one))
    tale.waiting(
        "above her tail, another prev: it waits until the tail is final",
        "R3.4",
        town.sign(ana, seq + 2, bytes(32), 0, one),
        "reference",
    )
    tale.certificate("it is final", "R7.3", town.certificate(first))
    tale.refused("above what is final, another prev", "R3.4", town.sign(ana, seq + 2, bytes(32), 0, one), "place")


def _heights(tale: Story, town: Town) -> None:
    one = send(town["ben"], 1)
    tale.decide("account 0 decides nothing, height 1", "R8.5")
    tale.final("ana pays citing height 1", "R3.5", town.write("ana", one, height=1))
    tale.refused("ana pays citing height 0 again", "R3.5", town.draft("ana", one, height=0), "height_fell")
    tale.waiting("ana pays citing height 2", "R3.3", town.draft("ana", one, height=2), "height")
    tale.waiting("ana pays citing the largest height", "R3.3", town.draft("ana", one, height=2**63 - 1), "height")
    tale.final("ben may still cite height 0", "R3.5", town.write("ben", send(town["ana"], 1), height=0))


def _signed_by(signed: SignedEntry, name: str, tag: Tag, community: CommunityId, index: int = 0) -> SignedEntry:
    return replace(signed, signatures=signatures([(index, key(name))], tag, community, signed.body))


def _signatures(tale: Story, town: Town) -> None:
    draft, community = town.draft("ana", send(town["ben"], 1)), town.community
    other = found("ana", "ben", witnesses=1, limit=7).community
    broken = bytes([draft.signatures[0][1][0] ^ 1]) + draft.signatures[0][1][1:]
    wrong = {
        "no signature": replace(draft, signatures=()),
        "signed by ben": _signed_by(draft, "ben", Tag.ENTRY, community),
        "signed by her next key": _signed_by(draft, "ana next", Tag.ENTRY, community),
        "signed for another community": _signed_by(draft, "ana", Tag.ENTRY, other),
        "signed for no community": _signed_by(draft, "ana", Tag.ENTRY, CommunityId(bytes(32))),
        "signed with the tag of a ballot": _signed_by(draft, "ana", Tag.BALLOT, community),
        "signed with the tag of a vote": _signed_by(draft, "ana", Tag.VOTE, community),
        "the signature of key 1, which there is not": _signed_by(draft, "ana", Tag.ENTRY, community, 1),
        "one bit of the signature differs": replace(draft, signatures=((0, broken),)),  # type: ignore[arg-type]
        "a right signature and one of a key that there is not": replace(
            draft, signatures=(*draft.signatures, (1, draft.signatures[0][1]))
        ),
        "a signature of 64 zero bytes": replace(draft, signatures=((0, bytes(64)),)),  # type: ignore[arg-type]
        "the signature of another entry": replace(draft, signatures=town.draft("ana", send(town["ben"], 2)).signatures),
    }
    for name, signed in wrong.items():
        tale.refused(name, "R3.6", signed, "signature")
    tale.refused(
        "badly formed and badly signed: the signature comes first",
        "R15.2",
        _signed_by(town.draft("ana"), "ben", Tag.ENTRY, community),
        "signature",
    )
    tale.final("rightly signed", "R3.6", town.keep(draft))


def _rivals(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    seq, prev, height = town.heads[ana]
    held = tale.entry("ana pays ben 1", "R3.9", town.write("ana", send(ben, 1)))
    rival = town.sign(ana, seq + 1, prev, height, send(ben, 2))
    tale.entry("at the same place she pays ben 2", "R3.6a", rival, ("fork", None))
    tale.entry("the same rival again", "R3.6a", rival, ("fork", None))
    tale.entry(
        "a rival that differs only in its time",
        "R3.6a",
        town.sign(ana, seq + 1, prev, height, send(ben, 1), time=1),
        ("fork", None),
    )
    tale.entry(
        "a rival that is badly formed is a fork none the less",
        "R3.6a",
        town.sign(ana, seq + 1, prev, height, send(ana, 0)),
        ("fork", None),
    )
    tale.entry(
        "a rival far below, of what is final", "R3.6a", town.sign(ana, 1, bytes(32), 0, send(ben, 9)), ("fork", None)
    )
    tale.refused(
        "a rival that ben signed",
        "R3.6a",
        town.sign(ana, seq + 1, prev, height, send(ben, 2), by=("ben",)),
        "signature",
    )
    tale.waiting("a rival that cites the future", "R15.2", town.sign(ana, seq + 1, prev, 9, send(ben, 2)), "height")
    tale.refused(
        "a rival of version 2", "R15.2", town.sign(ana, seq + 1, prev, height, send(ben, 2), version=2), "version"
    )
    tale.entry("what is held, in the same bytes", "R3.1", held, ("duplicate", None))
    resigned = replace(held, signatures=((0, bytes(64)),))  # type: ignore[arg-type]
    tale.entry("the same body with a wrong signature is the same entry", "R3.1", resigned, ("duplicate", None))
    tale.refused(
        "a rival of the founding entry", "R3.6a", town.ballots(replace(town.founding.entry, time=5), 0, (0,)), "place"
    )
    tale.refused(
        "a rival in account 0 is not even read for its ballots",
        "R3.6a",
        replace(town.ballots(replace(town.founding.entry, time=6), 0, (0,)), signatures=()),
        "place",
    )
    assert town.founding.account == COMMONS
