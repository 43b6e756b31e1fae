"""The shapes of hosts, as the wallet's API answers them."""

from typing import TypedDict


class HostView(TypedDict):
    """A host of the community: `linked` while this node speaks with it, `told` once it was handed the community."""

    peer_id: str
    roles: list[str]
    addresses: list[str]
    expires: int
    linked: bool
    told: bool


class HostsView(TypedDict):
    """All hosts whose card a steward put up."""

    hosts: list[HostView]
