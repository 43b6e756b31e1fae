"""What linked peers say of themselves, and how much of it is remembered."""

import pytest

from node import neighbours
from node.neighbours import Neighbours
from protocol.base import AccountId
from protocol.messages import Hello


def linked(*peers: str) -> Neighbours:
    known = Neighbours()
    for peer in peers:
        known.greet(peer, Hello(bytes(32), bytes(16), 0, b"", b""))  # type: ignore[arg-type]
    return known


def accounts(count: int, first: int = 1) -> list[AccountId]:
    return [AccountId(number) for number in range(first, first + count)]


def test_who_hosts_an_account_is_known_as_long_as_it_is_linked() -> None:
    known = linked("one", "two")
    known.hosts("one", accounts(3))
    known.hosts("two", accounts(1))
    known.hosts("stranger", accounts(1))
    assert known.hosting(AccountId(1)) == ["one", "two"] and known.hosting(AccountId(3)) == ["one"]
    known.leave("one")
    assert known.hosting(AccountId(1)) == ["two"] and known.hosting(AccountId(3)) == []


def test_a_peer_that_claims_to_host_everybody_takes_no_place_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "HOSTED_MAX", 10)
    known = linked("greedy", "modest")
    known.hosts("greedy", accounts(1_000))
    known.hosts("modest", accounts(5, first=500))
    assert [number for number in accounts(1_000) if "greedy" in known.hosting(number)] == accounts(10)
    assert all(known.hosting(number) == ["modest"] for number in accounts(5, first=500))


def test_all_peers_together_are_bounded_and_who_leaves_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "HOSTED_TOGETHER_MAX", 10)
    known = linked("one", "two", "three")
    for _ in range(2):  # what is said again counts once
        known.hosts("one", accounts(6))
    known.hosts("two", accounts(6))
    assert sum(len(known.hosting(number)) for number in accounts(6)) == 10
    known.leave("one")
    known.hosts("three", accounts(6))
    assert known.hosting(AccountId(6)) == ["three"]
