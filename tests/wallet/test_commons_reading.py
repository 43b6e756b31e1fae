"""Reading account 0 from a server that may lie: what is true is kept, and each lie is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.base import AccountId, EntryId
from protocol.bundles import Bundle
from protocol.entry import SignedEntry
from protocol.ops import Limits
from protocol.statements import Certificate
from tests.builders import Town, authority, found
from wallet.joining.commons_reading import Reading, Untrue


class Story:
    """A town of three witnesses whose account 0 has six entries: three members are admitted after the founding."""

    def __init__(self, *, limit: int = 100) -> None:
        self.town = found("ana", limit=limit, witnesses=3)
        self.decided = [self.town.decide(self.town.admit(name)) for name in ("ben", "cem", "dee")]
        self.decided += [self.town.decide(Limits(((AccountId(1), amount),))) for amount in (5, 6)]
        self.entries = [self.town.founding, *(signed for signed, _ in self.decided)]

    def page(self, first: int = 0, last: int = 5) -> Bundle:
        """The entries `first` .. `last` of account 0 with what certifies them."""
        certificates = [certificate for signed, certificate in self.decided if first <= signed.seq <= last]
        return Bundle(tuple(self.entries[first : last + 1]), tuple(certificates))

    def reading(self, anchor: int = 3) -> Reading:
        return Reading(self.town.community, anchor, EntryId(self.entries[anchor].id))


def with_entry(page: Bundle, signed: SignedEntry, place: int = 1) -> Bundle:
    entries = list(page.entries)
    entries[place] = signed
    return replace(page, entries=tuple(entries))


def with_certificate(page: Bundle, certificate: Certificate) -> Bundle:
    return replace(page, certificates=(certificate, *page.certificates[1:]))


def test_a_whole_history_is_read_in_pages_and_ends_when_nothing_is_missing() -> None:
    story = Story()
    reading = story.reading()
    assert reading.take(story.page(0, 1), 5)
    assert not reading.holds_anchor
    assert reading.take(story.page(2, 3), 5)
    assert reading.holds_anchor
    assert not reading.take(story.page(4, 5), 5)
    assert (reading.height, len(reading.records)) == (5, 11)
    assert reading.ledger.commons.members[AccountId(3)].authority == authority("cem")


def test_what_was_read_before_may_come_again() -> None:
    story = Story()
    reading = story.reading()
    reading.take(story.page(0, 3), 5)
    assert not reading.take(story.page(2, 5), 5)
    assert len(reading.records) == 11


def forged(town: Town, signed: SignedEntry) -> Certificate:
    """A certificate in which one witness signed for another."""
    true = town.certificate(signed)
    (one, number, signature), (other, _, _) = true.votes
    return replace(true, votes=((one, number, signature), (other, number, signature)))


LIES: dict[str, tuple[Callable[[Story], Bundle], str]] = {
    "another community": (lambda s: Story(limit=7).page(), "another community"),
    "a founding with another name": (
        lambda s: with_entry(s.page(), found("eve", witnesses=3).founding, 0), "another community"),
    "another account's entry": (lambda s: with_entry(s.page(), s.town.open("ana")), "another account"),
    "an entry left out": (lambda s: replace(s.page(), entries=(s.entries[0], *s.entries[2:])), "does not follow"),
    "no certificate": (lambda s: replace(s.page(), certificates=()), "without its certificate"),
    "the certificate of another entry": (
        lambda s: with_certificate(s.page(), replace(s.decided[0][1], place=s.town.place(s.entries[2]))),
        "without its certificate"),
    "a forged certificate": (
        lambda s: with_certificate(s.page(), forged(s.town, s.entries[1])), "not by this community's witnesses"),
    "too few votes": (
        lambda s: with_certificate(s.page(), s.town.certificate(s.entries[1], by=[0])),
        "not by this community's witnesses"),
    "an entry that breaks a rule": (
        lambda s: Bundle(*_badly_decided(s)), "breaks the rules"),
    "a height that it does not show": (lambda s: Bundle(), "shows 0 only"),
}  # fmt: skip


def _badly_decided(story: Story) -> tuple[tuple[SignedEntry, ...], tuple[Certificate, ...]]:
    """An entry that a quorum certified although it admits a name twice."""
    town = found("ana", limit=100, witnesses=3)
    assert town.founding.id == story.town.founding.id
    signed, certificate = town.decide(replace(town.admit("ben"), handle="ana"))
    return (town.founding, signed), (certificate,)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_named_and_changes_nothing(lie: str) -> None:
    story = Story()
    reading = story.reading()
    make, words = LIES[lie]
    with pytest.raises(Untrue, match=words):
        reading.take(make(story), 5)
    assert reading.height <= 0 and not reading.holds_anchor
    assert not reading.take(story.page(), 5)
    assert reading.holds_anchor


def test_a_history_without_the_anchor_is_named() -> None:
    story = Story()
    reading = Reading(story.town.community, 3, EntryId(story.entries[2].id))
    with pytest.raises(Untrue, match="not the one of the invite: entry 3"):
        reading.take(story.page(), 5)
    assert reading.height == 2 and not reading.holds_anchor


def test_another_history_above_what_was_read_is_named() -> None:
    story = Story()
    reading = story.reading()
    reading.take(story.page(0, 1), 5)
    other = found("ana", limit=100, witnesses=3)
    signed, certificate = other.decide(other.admit("eve"))
    with pytest.raises(Untrue, match="does not follow"):
        reading.take(Bundle((signed,), (certificate,)), 5)
    assert reading.height == 1


def test_a_server_that_is_behind_does_not_hold_the_anchor_yet() -> None:
    story = Story()
    reading = story.reading()
    assert not reading.take(story.page(0, 1), 1)
    assert not reading.holds_anchor
    assert not reading.take(Bundle(), 1)
