"""What can be read as a statement of a witness, and by whom it is."""

from dataclasses import replace

import pytest

from protocol import codec
from protocol.base import INCARNATION_MAX, NUMBER_MAX, AccountId, Malformed
from protocol.signing import Tag
from protocol.statements import Certificate, Nack, Place, Vote

from ..builders import Town, found, send

BEN = AccountId(2)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=4, quorum=3)


@pytest.fixture
def place(town: Town) -> Place:
    return town.place(town.draft("ana", send(BEN, 1)))


def test_a_members_place_has_an_incarnation_that_an_entry_can_have(town: Town, place: Place) -> None:
    last, beyond = (replace(place, incarnation=number) for number in (INCARNATION_MAX, INCARNATION_MAX + 1))
    assert Place.read(last.plain()) == last
    vote = town.vote(beyond, 0)
    with pytest.raises(Malformed):
        Vote.decode(vote.encode())
    with pytest.raises(Malformed):
        Certificate.decode(Certificate(beyond, ()).encode())
    with pytest.raises(Malformed):
        Nack.decode(Nack(beyond, 0, 22, 0, vote.signature).encode())


def test_a_place_of_account_0_has_any_round(town: Town) -> None:
    place = replace(town.place(town.propose()), incarnation=NUMBER_MAX)
    vote = town.vote(place, 0, Tag.COMMIT)
    assert Vote.decode(vote.encode()) == vote
    assert vote.is_by(town.witnesses[0].public, town.community)
    with pytest.raises(Malformed):
        Place.read(replace(place, incarnation=NUMBER_MAX + 1).plain())


def test_a_commit_to_a_members_entry_is_by_nobody(town: Town, place: Place) -> None:
    commit = town.vote(place, 0, Tag.COMMIT)
    assert Vote.decode(commit.encode()) == commit
    assert not commit.is_by(town.witnesses[0].public, town.community)
    assert town.vote(place, 0).is_by(town.witnesses[0].public, town.community)


def test_a_nack_may_say_a_code_that_nobody_knows_but_not_one_above_255(town: Town, place: Place) -> None:
    nack = Nack(place, 0, 255, 0, town.vote(place, 0).signature)
    assert Nack.decode(nack.encode()) == nack
    with pytest.raises(Malformed):
        Nack.decode(codec.encode((*place.plain(), 0, 256, 0, nack.signature)))
