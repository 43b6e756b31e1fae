"""How members become stewards: they say that they would serve, are called, accept, and then the act is proposed.

Three records: *serve* (my key as a steward), *call* (these members, so many of whom sign), *accept* (my signature on
exactly that). Only the calls of stewards are shown. When all who were called have accepted, the wallet of who called
them proposes the act by itself; from there on it is an act like any other. The serve records also name the stewards in
force, whom account 0 knows by their keys alone. May not sign acts.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from node import wallclock
from protocol.base import AccountId, Malformed, PublicKey, Signature
from protocol.bodies import Accept, Body, Call, Serve
from protocol.ops import Stewards
from protocol.record import Kind, SignedRecord, read_body
from protocol.signing import Authority, SecretKey, Tag, sign
from protocol.statements import acceptance_content

from .. import errors
from ..people.people import PublishingNode, published
from ..people.recording import signed_record
from .stewarding import Stewarding

logger = logging.getLogger("tallystick.calling")


class Owner(Protocol):
    """The wallet whose accounts these are. Both keys raise Locked."""

    def accounts(self) -> Sequence[AccountId]: ...
    def signing_key(self, account: AccountId) -> SecretKey: ...
    def steward_key(self, account: AccountId) -> SecretKey: ...


@dataclass(frozen=True, slots=True)
class Called:
    """One call, and how far it is."""

    id: bytes
    author: AccountId
    threshold: int
    accounts: tuple[AccountId, ...]
    accepted: tuple[AccountId, ...]


class Calling:
    """The stewards to be. `run` of `Stewarding` has it look after calls and names by `tend`."""

    def __init__(self, node: PublishingNode, owner: Owner, acts: Stewarding) -> None:
        self._node, self._owner, self._acts = node, owner, acts

    # Who serves

    def serving(self) -> dict[AccountId, PublicKey]:
        """Who would be, or is, a steward, and by which key."""
        return {author: body.key for author, body in self._bodies(Kind.SERVE) if isinstance(body, Serve)}

    def named(self) -> Mapping[PublicKey, AccountId]:
        """Whose a steward's key is, as far as somebody said so; own ones always."""
        return {key: account for account, key in self.serving().items()} | self._acts.ballots.own()

    async def serve(self, account: AccountId) -> None:
        """Say that the owner of an account would be a steward, once. Raises Locked, NotPublished."""
        key = self._owner.steward_key(account).public
        if self.serving().get(account) != key:
            await self._publish(account, Kind.SERVE, Serve(key).body())

    # Calls

    async def call(self, account: AccountId, accounts: Sequence[AccountId], threshold: int) -> Called:
        """Ask members to be the stewards, `threshold` of whom sign. Raises NotSteward, BadRequest, NotServing."""
        if not any(seat.account == account for seat in self._acts.ballots.seats()):
            raise errors.NotSteward("Only a steward may call others.")
        try:
            body = Call.read(Call(threshold, tuple(accounts)).body())
        except Malformed as error:
            raise errors.BadRequest(f"Such stewards cannot be: {error}.") from None
        for own in set(accounts) & set(self._owner.accounts()):
            await self.serve(own)
        silent = sorted(set(accounts) - self.serving().keys())
        if silent:
            commons = self._node.ledger.commons
            who = ", ".join(f"@{commons.members[one].handle}" for one in silent if one in commons.members)
            raise errors.NotServing(f"Not everybody said to be ready to serve as a steward: {who or 'unknown'}.")
        await self._publish(account, Kind.CALL, body.body())
        call = next(call for call in self.calls() if call.author == account)
        await self._accept_own(call)
        self._acts.wake()
        return next(call for call in self.calls() if call.author == account)

    def calls(self) -> list[Called]:
        """The calls of stewards in force, with who accepted by now."""
        stewards, named = self._node.ledger.commons.stewards().keys, self.named()
        sitting = {named[key] for key in stewards if key in named}
        found = []
        for signed in self._node.board.of_kind(Kind.CALL):
            body = self._body(signed)
            if signed.record.author in sitting and isinstance(body, Call):
                accepted = tuple(one for one in body.accounts if self._acceptance(one, body) is not None)
                found.append(Called(signed.id, signed.record.author, body.threshold, body.accounts, accepted))
        return found

    def concerns(self, call: Called) -> bool:
        """Tell whether a call is by or to an account of this wallet."""
        return bool(set(self._owner.accounts()) & {call.author, *call.accounts})

    async def take_back(self, id: bytes) -> None:
        """Take back a call of this wallet. Raises NotFound, Locked, NotPublished."""
        call = next((call for call in self.calls() if call.id == id and call.author in self._owner.accounts()), None)
        if call is None:
            raise errors.NotFound("There is no such call of yours.")
        await self._publish(call.author, Kind.CALL, b"")

    async def accept(self, id: bytes) -> Called:
        """Accept a call for all accounts of this wallet. Raises NotFound, Locked, NotPublished."""
        call = next((call for call in self.calls() if call.id == id), None)
        if call is None:
            raise errors.NotFound("There is no such call.")
        await self._accept_own(call)
        return next(call for call in self.calls() if call.id == id)

    async def _accept_own(self, call: Called) -> None:
        keys = self._keys(call.accounts)
        if keys is None:
            raise errors.NotServing("Somebody who was called has taken back to serve.")
        content = acceptance_content(call.threshold, keys)
        for account in set(call.accounts) & set(self._owner.accounts()) - set(call.accepted):
            key = self._owner.steward_key(account)
            if key.public not in keys:
                await self.serve(account)
                raise errors.Busy("Your key as a steward was another one; it is told anew: accept again.")
            signature = sign(key, Tag.ACCEPT, self._node.ledger.commons.community, content)
            await self._publish(account, Kind.ACCEPT, Accept(call.threshold, keys, signature).body())

    def _keys(self, accounts: Sequence[AccountId]) -> tuple[PublicKey, ...] | None:
        serving = self.serving()
        return tuple(serving[one] for one in accounts) if serving.keys() >= set(accounts) else None

    def _acceptance(self, account: AccountId, call: Call) -> tuple[int, Signature] | None:
        """The signature by which a member accepted exactly this call, and its place."""
        signed, keys = self._node.board.get((account, Kind.ACCEPT, b"")), self._keys(call.accounts)
        body = None if signed is None else self._body(signed)
        if not isinstance(body, Accept) or keys is None or (body.threshold, body.keys) != (call.threshold, keys):
            return None
        index = call.accounts.index(account)
        is_own = body.signer(self._node.ledger.commons.community, self._node.ledger.verify) == index
        return (index, body.signature) if is_own else None

    # By itself

    async def tend(self) -> None:
        """Name the stewards of this wallet, and propose what all who were called have accepted."""
        for seat in self._acts.ballots.seats():
            await self.serve(seat.account)
        for call in self.calls():
            if call.author in self._owner.accounts() and len(call.accepted) == len(call.accounts):
                await self._propose(call)

    async def _propose(self, call: Called) -> None:
        """Propose the act, once also when the call could not be taken back last time; then take the call back."""
        keys, asked = self._keys(call.accounts), Call(call.threshold, call.accounts)
        given = [self._acceptance(account, asked) for account in call.accounts]
        signatures = tuple(sorted(pair for pair in given if pair is not None))
        if keys is not None and len(signatures) == len(keys):
            op, sitting = Stewards(Authority(call.threshold, keys), signatures), self._node.ledger.commons.stewards()
            if op.authority != sitting and not self._acts.wants([op]):
                logger.info("all who were called have accepted: %d of %d stewards sign", call.threshold, len(keys))
                await self._acts.propose([op])
            await self._publish(call.author, Kind.CALL, b"")

    async def _publish(self, account: AccountId, kind: Kind, body: bytes) -> None:
        slot, community = (account, kind, b""), self._node.ledger.commons.community
        held, key = self._node.board.get(slot), self._owner.signing_key(account)
        signed = signed_record(key, community, *slot, body, held=held, now_s=wallclock.now_s())
        await published(self._node.publish(signed))

    def _bodies(self, kind: Kind) -> list[tuple[AccountId, Body]]:
        read = ((signed.record.author, self._body(signed)) for signed in self._node.board.of_kind(kind))
        return [(author, body) for author, body in read if body is not None]

    def _body(self, signed: SignedRecord) -> Body | None:
        """What a record says; it was judged when it came, so what cannot be read is only left out."""
        try:
            return read_body(signed.record.kind, signed.record.body) if signed.record.body else None
        except Malformed:
            return None
