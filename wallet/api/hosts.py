"""The community's hosts over HTTP: list them, let one in by its card."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.addresses import plain
from node.api import ServedNode
from node.hosting.home import ROLES
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.problem import Failed, bad_request
from node.web.scopes import Scope
from protocol.base import Malformed
from protocol.host_card import read_host_card

from ..hosts.keeping import Host, HostKeeper
from .durable import once_shown
from .host_shapes import HostsView, HostView


class LetIn(msgspec.Struct, forbid_unknown_fields=True):
    """A host's card, as `tally-node card` shows it."""

    card: str

    def __repr__(self) -> str:
        return "LetIn(...)"


class HostsApi:
    """The handlers. One method a call."""

    def __init__(self, node: ServedNode, hosts: HostKeeper) -> None:
        self._node, self._hosts = node, hosts

    def routes(self) -> list[Call]:
        """The table of addresses."""
        path, shown = "/v1/wallet/hosts", once_shown(self._node)
        return [
            Call("GET", path, shown(self.hosts), Scope.READ, "the community's hosts, and which are linked", HostsView),
            Call("POST", path, self.add, Scope.OWNER, "let a host in as archive and relay", HostView, LetIn, status=201,
                 example={"card": "card1..."}),
        ]  # fmt: skip

    async def hosts(self, _: Request) -> Response:
        """List them."""
        view: HostsView = {"hosts": [host_view(host) for host in self._hosts.listed()]}
        return answer(view)

    async def add(self, request: Request) -> Response:
        """Let one in."""
        text = (await read_body(request, LetIn)).card
        try:
            card = read_host_card(text)
        except Malformed as error:
            raise Failed(bad_request(str(error), "give the whole text that `tally-node card` shows")) from None
        return answer(host_view(await self._hosts.add(card)), 201)


def host_view(host: Host) -> HostView:
    """One host."""
    return {
        "peer_id": host.card.peer,
        "roles": [word for role, word in ROLES.items() if host.card.roles & role],
        "addresses": [plain(address) for address in host.card.addresses],
        "expires": host.card.expires,
        "linked": host.is_linked,
        "told": host.is_told,
    }
