"""Works out which peers a node must not talk to while the community is split. Pure.

A partition is a deny list in each node's transport: both sides refuse, so that no side can get round it.
"""

from collections.abc import Collection, Mapping


class NoSuchMember(ValueError):
    """A name that nobody in this devnet has."""


def deny_lists(peers: Mapping[str, str], island: Collection[str]) -> dict[str, list[str]]:
    """Say for each handle which peer ids it must not talk to, when the members of `island` are cut off from the rest.

    `peers` is handle -> peer id. An empty island heals. Raises NoSuchMember.
    """
    for handle in island:
        if handle not in peers:
            raise NoSuchMember(f"nobody here is called {handle!r}; the members are: {', '.join(peers)}")
    return {
        handle: sorted(peer for other, peer in peers.items() if island and (other in island) != (handle in island))
        for handle in peers
    }


def read_names(text: str) -> list[str]:
    """Read "ana,bob" or "@ana, @bob" as handles."""
    return [name for part in text.split(",") if (name := part.strip().removeprefix("@"))]
