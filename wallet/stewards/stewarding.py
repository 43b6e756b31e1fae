"""The stewards' side of a wallet: an act is wished for once, and signed where it counts until it is decided.

A wish is composed for the open place of account 0 and signed by every steward of this wallet; others sign it with their
own wallets. What the person agreed to is carried into other rounds, and composed anew for the next place when another
act was decided first; it ends when it is in force, withdrawn, or refused by the rules. A steward who agreed to somebody
else's act agrees to it at the next place too, for the same ops. Which round is signed is `protocol.proposals`' to say.
A locked wallet signs nothing, and goes on when it is unlocked.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import trio

from node import wallclock
from protocol.base import COMMONS, EntryId
from protocol.entry import SignedEntry
from protocol.ops import Op

from .. import errors
from ..books.acts import ActPages, Row, WishRow, WishState
from ..books.clerk import Clerk
from .ballots import ActNode, Ballots, Seat
from .ops import composed, feasible, wanted

logger = logging.getLogger("tallystick.stewarding")

WISHES_MAX = 32
"""Open wishes of one wallet; each takes a round of its own."""
LOOK_AGAIN_S = 30.0
"""What follows from the clock alone (an expired invite) shows this much later at most."""

Chore = Callable[[], Awaitable[None]]


class Stewarding:
    """Wishes and their acts. `run` must be running for anything to go on by itself."""

    def __init__(self, node: ActNode, pages: ActPages, clerk: Clerk, ballots: Ballots) -> None:
        self.node, self.pages, self.ballots = node, pages, ballots
        self._clerk = clerk
        self._chores: list[Chore] = []
        self._turn = trio.Lock()
        self._moved = trio.Event()
        node.proposer.on_change(self.wake)

    # Wishing

    async def propose(self, ops: Sequence[Op], timeout_s: float = 0.0, beside: Sequence[Row] = ()) -> WishRow:
        """Wish for an act and sign it; durable, with what is written `beside`, when this returns.

        Waits at most `timeout_s` for its decision when no other steward is needed. Raises Locked, NotSteward, Busy and
        what the rules refuse it for.
        """
        async with self._turn:
            self._require_seats()
            if len(self.pages.open_wishes()) >= WISHES_MAX:
                raise errors.Busy("Too many of your acts are not decided yet.", {"waiting": WISHES_MAX})
            raw = wanted(ops)
            self.check(ops)  # the rules are asked before anything is written
            wish = self.pages.new_wish(raw, own=True, now_s=wallclock.now_s())
            wish = replace(wish, seq=self.node.proposer.place.seq)
            await self._keep(wish, *beside)
            await self._tend()
        return await self._reach(wish.n, timeout_s)

    def wants(self, ops: Sequence[Op]) -> bool:
        """Tell whether exactly that is wished for and not decided yet."""
        return any(wish.ops == wanted(ops) for wish in self.pages.open_wishes())

    def check(self, ops: Sequence[Op]) -> None:
        """Raise what the rules would refuse an act for now; signs nothing."""
        composed(self.node.ledger, wanted(ops), wallclock.now_s())

    async def agree(self, id: EntryId, timeout_s: float = 0.0) -> WishRow:
        """Agree to an open act, or press for one again: sign it in the round where it counts now.

        Raises Locked, NotSteward, NotFound when no such act is open, and ActHeld when witnesses hold to another one.
        """
        async with self._turn:
            seats, place = self._require_seats(), self.node.proposer.place
            act = next((act for act in place.acts() if act.id == id), None)
            if act is None:
                raise errors.NotFound("No such act is open.", {"act": id.hex()[:16]})
            if place.lock not in (None, id):
                facts: errors.Facts = {"act": (place.lock or b"").hex()[:8]}
                raise errors.ActHeld("The witnesses hold to another act, which must be decided first.", facts)
            wish = self._agreed(act.signed)
            if place.ripe is None or place.ripe.id != id:
                await self._press(seats, act.signed, wish)
            elif wish != self.pages.wishes.get(wish.n):
                await self._keep(wish)
            await self._tend()
        return await self._reach(wish.n, timeout_s)

    async def _press(self, seats: Sequence[Seat], act: SignedEntry, wish: WishRow) -> None:
        for seat in seats:
            round = self.ballots.round_for(seat, act.id)
            if round is None:
                raise errors.Busy("You signed other acts in every round that counts.", {"act": act.id.hex()[:8]})
            await self.ballots.give(seat, act, round, wish)

    def _agreed(self, signed: SignedEntry) -> WishRow:
        """The wish that an act fulfils, or a new one: somebody else's to which this wallet agrees."""
        raw = wanted(signed.entry.ops)
        for wish in self.pages.open_wishes():
            if wish.ops == raw:
                return replace(wish, seq=signed.seq, id=signed.id)
        fresh = self.pages.new_wish(raw, own=False, now_s=wallclock.now_s())
        return replace(fresh, seq=signed.seq, id=signed.id)

    async def withdraw(self, n: int) -> WishRow:
        """Want an act no longer: it is neither carried on nor composed anew. Ballots that were given stay given."""
        async with self._turn:
            wish = self.pages.wishes.get(n)
            if wish is None or wish.state is not WishState.OPEN:
                raise errors.NotFound("There is no such wish of yours to withdraw.")
            await self._keep(replace(wish, state=WishState.WITHDRAWN))
        return self.pages.wishes[n]

    def _require_seats(self) -> list[Seat]:
        seats = self.ballots.seats()
        if not seats:
            raise errors.NotSteward("None of your accounts is a steward's.")
        return seats

    async def _reach(self, n: int, timeout_s: float) -> WishRow:
        """Wait while the witnesses are asked for the act of a wish."""
        with trio.move_on_after(timeout_s):
            while True:
                moved = self._moved
                async with self._turn:
                    await self._settle()
                if not self._is_under_way(self.pages.wishes[n]):
                    break
                await moved.wait()
        return self.pages.wishes[n]

    def _is_under_way(self, wish: WishRow) -> bool:
        place = self.node.proposer.place
        is_next = place.ripe is not None and wish.id in (place.ripe.id, b"")
        return wish.state is WishState.OPEN and (is_next or wish.seq < place.seq)

    # Going on by itself

    def wake(self) -> None:
        """Look again soon: something changed that acts may depend on."""
        self._moved.set()
        self._moved = trio.Event()

    def also(self, chore: Chore) -> None:
        """Have something done beside the acts, whenever it is looked again."""
        self._chores.append(chore)

    async def run(self) -> None:
        """Carry wishes on until cancelled, or until nothing can be kept any more."""
        self.ballots.show_all()
        while True:
            moved = self._moved
            for step in (self._look, *self._chores):
                try:
                    await step()
                except errors.BookFailed as error:
                    logger.error("acts go no further: %s", error.message)
                    return
                except errors.WalletError as error:
                    logger.debug("this waits: %s", error.message)
            with trio.move_on_after(LOOK_AGAIN_S):
                await moved.wait()

    async def _look(self) -> None:
        async with self._turn:
            await self._tend()

    async def _tend(self) -> None:
        """Do what is due. A wallet that was locked meanwhile does it later: what is wished for is kept already."""
        await self._settle()
        with suppress(errors.Locked):
            seats = self.ballots.seats()
            if seats:
                await self._compose(seats)
            for seat in seats:
                await self._carry(seat)

    async def _settle(self) -> None:
        """Look what became of each wish at the places that were decided meanwhile.

        Only at those that are on the disk: an entry that cannot be read yet would be taken for another one's.
        """
        height = self.node.final_on_disk(COMMONS)
        for wish in self.pages.open_wishes():
            if wish.seq > height:
                continue
            found = self._fulfilled(wish, height)
            if found is not None:
                await self._keep(replace(wish, state=WishState.IN_FORCE, seq=found.seq, id=found.id))
            else:
                await self._keep(replace(wish, seq=height + 1, id=EntryId(b"")))

    def _fulfilled(self, wish: WishRow, height: int) -> SignedEntry | None:
        """The decided entry that does what was wished; each fulfils one wish."""
        taken = {other.seq for other in self.pages.wishes.values() if other.state is WishState.IN_FORCE}
        for signed in self.node.journal.entries(COMMONS, 0, wish.seq, height):
            if signed.seq not in taken and wanted(signed.entry.ops) == wish.ops:
                return signed
        return None

    async def _compose(self, seats: Sequence[Seat]) -> None:
        """Sign what is wished for at this place: another's entry with the same ops if there is one, else an own one.

        Nothing new while the witnesses are asked: it would only compete with what is about to be decided.
        """
        for wish in self.pages.open_wishes():
            place = self.node.proposer.place
            is_settled = wish.seq == place.seq and not wish.id
            if not is_settled or place.ripe is not None or place.lock is not None:
                continue
            shown = next((act.signed for act in place.acts() if wanted(act.signed.entry.ops) == wish.ops), None)
            if shown is None and not wish.own:
                continue
            act = await self._composed(wish) if shown is None else shown
            if act is not None:
                await self._sign_all(seats, act, self.pages.wishes[wish.n])

    async def _composed(self, wish: WishRow) -> SignedEntry | None:
        """The entry for a wish, or None when the rules refuse it for good, or it has to wait."""
        ledger = self.node.ledger
        left = feasible(ledger, wish.ops)
        if left != wish.ops:
            await self._keep(replace(wish, ops=left))
        try:
            return composed(ledger, left, wallclock.now_s())
        except errors.RuleRefusal as refusal:
            await self._keep(replace(self.pages.wishes[wish.n], state=WishState.REFUSED, reason=refusal.message))
        except errors.Busy:
            logger.info("wish %d waits for what it refers to", wish.n)
        return None

    async def _sign_all(self, seats: Sequence[Seat], act: SignedEntry, wish: WishRow) -> None:
        signed = replace(wish, seq=act.seq, id=act.id)
        for seat in seats:
            if self.node.proposer.place.seq != act.seq:
                return
            round = self.ballots.round_for(seat, act.id)
            if round is not None:
                await self.ballots.give(seat, act, round, signed)

    async def _carry(self, seat: Seat) -> None:
        """Sign on what was agreed to, or what the witnesses hold to."""
        while True:
            place = self.node.proposer.place
            consents = [wish.id for wish in self.pages.open_wishes() if wish.seq == place.seq and wish.id]
            choice = self.ballots.duty(seat, consents)
            if choice is None:
                return
            await self.ballots.give(seat, place.at(choice), choice.round)

    async def _keep(self, *rows: Row) -> None:
        await self.pages.keep(self._clerk, *rows)
