"""Doors without a network: servers of a `Town` that answer at their doorsteps, honestly or not."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import trio

from protocol.base import EntryId
from protocol.bundles import Bundle
from protocol.entry import SignedEntry
from protocol.invite import Invite
from protocol.knocks import (
    CommonsPage,
    Knock,
    LeaveRequest,
    ReadCommons,
    Reply,
    Turned,
    Welcome,
    decode_knock,
    encode_reply,
    is_proof,
)
from protocol.ledger import Ledger
from protocol.ops import Admit
from protocol.request import Request, request_fault
from protocol.statements import Certificate
from tests import papers
from tests.builders import Town, accept, found
from wallet.joining.applying import AskedPeer

PAGE = 2
"""Entries of account 0 in one answer, so that reading takes several."""


class Elm:
    """A community of three witnesses that admits people while others read."""

    def __init__(self, *members: str) -> None:
        self.town: Town = found(*(members or ("ana",)), witnesses=3)
        self.entries: list[SignedEntry] = [self.town.founding]
        self.certificates: list[Certificate] = []
        self.ledger = Ledger()
        accept(self.ledger, self.town.founding)

    def decide(self, *ops: Admit) -> None:
        """Account 0 decides an entry."""
        signed, certificate = self.town.decide(*ops)
        accept(self.ledger, signed)
        self.ledger.certify(certificate)
        self.entries.append(signed)
        self.certificates.append(certificate)

    def admit(self, request: Request) -> None:
        """The stewards do as was asked."""
        self.decide(replace(self.town.admit(request.handle), authority=request.authority))

    def invite(self, addresses: Sequence[str], *, uses: int = 0, anchor: int = 0, expires: int | None = None) -> Invite:
        """A steward's invite, anchored at that height."""
        until = papers.NOW_S + papers.DAY_S if expires is None else expires
        made = papers.invite(self.town, papers.voucher(self.town, uses=uses, expires=until), addresses=tuple(addresses))
        return replace(made, height=anchor, anchor=EntryId(self.entries[anchor].id))

    def page(self, first: int, last: int) -> Bundle:
        """Entries of account 0 with what certifies them."""
        entries = self.entries[first : last + 1]
        proofs = [certificate for certificate in self.certificates if first <= certificate.place.seq <= last]
        return Bundle(tuple(entries), tuple(proofs))


@dataclass
class Server:
    """One node at its doorstep. What it does wrong is put into `answer` by a test."""

    elm: Elm
    name: str
    requests: list[Request] = field(default_factory=list)
    questions: list[Knock] = field(default_factory=list)
    away: str | None = None
    """Why it is not reached."""
    hangs: bool = False
    turns: str | None = None
    """The code with which it turns everybody away."""
    answer: Callable[[Knock], bytes | None] = lambda _: None
    """What it says instead of the truth, if anything."""
    accepts: Callable[[Request], str | None] = lambda _: None

    @property
    def address(self) -> str:
        return f"/ip4/192.0.2.7/tcp/4001/p2p/{papers.peer(self.name)}"

    def reply(self, client: str, frame: bytes) -> bytes:
        question = decode_knock(frame)
        self.questions.append(question)
        return self.answer(question) or encode_reply(self._truth(client, question))

    def _truth(self, client: str, question: Knock) -> Reply:
        elm = self.elm
        assert isinstance(question, ReadCommons | LeaveRequest)
        if question.community != elm.town.community:
            return Turned("foreign")
        voucher = question.voucher if isinstance(question, ReadCommons) else question.request.voucher
        assert is_proof(voucher.key, elm.town.community, papers.peer(self.name), client, question.proof)
        if self.turns is not None:
            return Turned(self.turns)
        if isinstance(question, ReadCommons):
            return CommonsPage(elm.page(question.first_seq, question.first_seq + PAGE - 1), len(elm.entries) - 1)
        code = request_fault(elm.ledger, question.request, papers.NOW_S) or self.accepts(question.request)
        if code is not None:
            return Turned(code)
        self.requests.append(question.request)
        return Welcome()


@dataclass(frozen=True)
class _Step:
    server: Server
    server_peer: str
    client: str

    async def ask(self, frame: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        if self.server.hangs:
            await trio.sleep_forever()
        return self.server.reply(self.client, frame)


class Street:
    """Who is behind which address."""

    def __init__(self, *servers: Server) -> None:
        self.peer_id = papers.peer("newcomer")
        self._servers = {server.address: server for server in servers}

    @asynccontextmanager
    async def knock(self, address: str, timeout_s: float) -> AsyncIterator[AskedPeer]:
        await trio.lowlevel.checkpoint()
        server = self._servers[address]
        if server.away is not None:
            raise OSError(server.away)
        yield _Step(server, papers.peer(server.name), self.peer_id)


def street(elm: Elm, *names: str) -> tuple[Street, list[Server]]:
    """A server for each name, and the street they live in."""
    servers = [Server(elm, name) for name in names]
    return Street(*servers), servers
