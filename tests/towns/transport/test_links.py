"""Of two links with one peer both sides keep the same one, and events name only real changes."""

from dataclasses import dataclass, field
from typing import cast

import pytest
import trio
import trio.testing

from node.transport.events import LinkDown, LinkUp
from node.transport.link import Link
from node.transport.links import RETIRED_S, Links


@dataclass
class FakeMuxer:
    aborted: bool = False

    def abort(self) -> None:
        self.aborted = True


@dataclass(eq=False)
class FakeLink:
    peer: str
    opener: str
    muxer: FakeMuxer = field(default_factory=FakeMuxer)


def link(peer: str, opener: str) -> Link:
    """A link as far as `Links` looks at it."""
    return cast(Link, FakeLink(peer, opener))


@pytest.mark.parametrize("first_opener", ["anna", "bob"])
async def test_of_two_openers_the_smaller_id_wins_whoever_came_first(first_opener: str) -> None:
    links = Links()
    openers = ["anna", "bob"] if first_opener == "anna" else ["bob", "anna"]
    made = {opener: link("bob", opener) for opener in openers}
    for opener in openers:
        links.adopt(made[opener])
    assert links.by_peer["bob"] is made["anna"]
    assert list(links.retired) == [made["bob"]]
    assert links.events.receive_nowait() == LinkUp("bob")
    links.on_end(made["bob"])
    with pytest.raises(trio.WouldBlock):
        links.events.receive_nowait()


async def test_of_two_by_the_same_opener_the_newer_wins() -> None:
    links = Links()
    old, new = link("bob", "bob"), link("bob", "bob")
    links.adopt(old)
    links.adopt(new)
    assert links.by_peer["bob"] is new and old in links.retired
    assert [links.events.receive_nowait() for _ in range(3)] == [LinkUp("bob"), LinkDown("bob"), LinkUp("bob")]


async def test_a_retired_link_is_read_for_a_moment_and_then_dropped() -> None:
    links = Links()
    old, new = link("bob", "bob"), link("bob", "bob")
    links.adopt(old)
    links.adopt(new)
    since = links.retired[old]
    links.sweep(since + RETIRED_S / 2)
    assert not cast(FakeLink, old).muxer.aborted
    links.sweep(since + RETIRED_S)
    assert cast(FakeLink, old).muxer.aborted and not cast(FakeLink, new).muxer.aborted


async def test_the_end_of_the_present_link_is_told() -> None:
    links = Links()
    only = link("bob", "bob")
    links.adopt(only)
    links.on_end(only)
    assert not links.by_peer
    assert [links.events.receive_nowait() for _ in range(2)] == [LinkUp("bob"), LinkDown("bob")]


async def test_events_keep_their_order_also_when_one_task_waits_for_them_and_another_looks(
    nursery: trio.Nursery,
) -> None:
    links, old, new = Links(), link("bob", "bob"), link("bob", "bob")
    taken: list[object] = []

    async def wait() -> None:
        async for event in links.events:
            taken.append(event)

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    links.adopt(old)
    links.adopt(new)
    while True:
        try:
            taken.append(links.events.receive_nowait())
        except trio.WouldBlock:
            break
    await trio.testing.wait_all_tasks_blocked()
    assert taken == [LinkUp("bob"), LinkDown("bob"), LinkUp("bob")]
    links.on_end(new)
    await trio.testing.wait_all_tasks_blocked()
    assert taken[3:] == [LinkDown("bob")]
    nursery.cancel_scope.cancel()
