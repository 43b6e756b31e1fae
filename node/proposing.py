"""Open acts of account 0 between nodes: shown to peers, collected, and brought to the witnesses when k stewards signed.

`protocol.proposals` works out what the ballots say; here they travel. A node shows what it holds to each new link, what
is new to everybody else, and all of it now and then, because a peer that was behind could not take it. The node whose
wallet completed an act asks the witnesses at once, the others when that has come to nothing for a while: so an act is
decided also when the node that began to ask is gone. What witnesses show goes back into the proposals.
Holds no key; only ballots of stewards count, and each peer has a pace. May not decide what anybody signs.
"""

import logging
from collections.abc import Callable

import trio

from protocol.base import COMMONS
from protocol.deciding import Deciding
from protocol.entry import SignedEntry
from protocol.ledger import Effects
from protocol.notices import Propose
from protocol.proposals import OpenAct, Proposals
from protocol.rounds import Choice

from .allowance import Allowance
from .asking import Asker
from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Happening
from .tickets import DoorClosed
from .writing import let_go

logger = logging.getLogger("tallystick.proposing")

HEAD_START_S = 2.0
"""So long others wait for the node whose wallet completed an act."""
DECIDE_S = 10.0
"""So long one try at the witnesses takes at most."""
PATIENCE_S, PATIENCE_MAX_S = 1.0, 60.0
"""Between tries that came to nothing, doubling."""
RETELL_S = 30.0
SHOWN_PER_S, SHOWN_BURST = 20.0, 400.0
"""Open acts that one peer may show; each costs a look at some signatures."""

Listener = Callable[[], None]


class Proposer:
    """The open acts at the next place of account 0, as this node knows them."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, asker: Asker) -> None:
        self._door = door
        self._exchange = exchange
        self._asker = asker
        self._place: Proposals | None = None
        self._shares: dict[str, Allowance] = {}
        self._own: set[Choice] = set()
        """What became complete by a ballot of the wallet here."""
        self._listeners: list[Listener] = []
        self._moved = trio.Event()
        exchange.answer(Propose, self._on_propose)
        exchange.on_link(self._on_link_up, self._on_link_down)
        door.listen(self._on_happening)

    @property
    def place(self) -> Proposals:
        """The open place. Another object once this one is decided: never keep it."""
        commons = self._door.ledger.commons
        if self._place is None or self._place.seq != commons.height + 1:
            self._own.clear()
            self._place = Proposals(commons.community, commons.stewards(), commons.height + 1, self._is_valid)
        return self._place

    def _is_valid(self, signed: SignedEntry) -> bool:
        return isinstance(self._door.ledger.judge_act(signed), Effects)

    def open_acts(self) -> list[OpenAct]:
        """What is collected now."""
        return self.place.acts()

    def on_change(self, listener: Listener) -> None:
        """Have `listener` called when ballots came, a place was decided, or witnesses said something new."""
        self._listeners.append(listener)

    def offer(self, signed: SignedEntry) -> bool:
        """Take ballots that the wallet here gave, durably, and show them to everybody; False when nothing is new."""
        place = self.place
        was_ripe = place.ripe
        if not place.take(signed):
            return False
        if place.ripe is not None and place.ripe != was_ripe:
            self._own.add(place.ripe)
        self._show(place.at(Choice(signed.round, signed.id)))
        self._changed()
        return True

    # Peers

    def _show(self, signed: SignedEntry, but: str = "") -> None:
        self._exchange.send_all([peer for peer in self._exchange.neighbours if peer != but], Propose(signed))

    def _on_link_up(self, peer: str) -> None:
        for signed in self.place.shown():
            self._exchange.send(peer, Propose(signed))

    def _on_link_down(self, peer: str) -> None:
        """A pace that lasts: who comes again at once has not earned a new one."""
        quiet = [known for known, share in self._shares.items() if share.left(trio.current_time()) >= SHOWN_BURST]
        for known in quiet:
            del self._shares[known]

    def _on_propose(self, peer: str, message: Propose) -> None:
        place, signed = self.place, message.signed
        if signed.seq != place.seq:
            return
        share = self._shares.setdefault(peer, Allowance(SHOWN_PER_S, SHOWN_BURST))
        if share.take(trio.current_time()) and place.take(signed):
            self._show(place.at(Choice(signed.round, signed.id)), but=peer)
            self._changed()

    def _on_happening(self, happening: Happening) -> None:
        if isinstance(happening, Certified) and happening.certificate.place.account == COMMONS:
            self._changed()

    def _changed(self) -> None:
        self._moved.set()
        self._moved = trio.Event()
        for listener in self._listeners:
            let_go(listener)

    # Deciding

    async def retell(self) -> None:
        """Show all that is open again now and then, for as long as the node runs."""
        while True:
            await trio.sleep(RETELL_S)
            for signed in self.place.shown():
                self._show(signed)

    async def decide(self) -> None:
        """Bring what is complete to the witnesses, for as long as the node runs and records."""
        patience, last = PATIENCE_S, None
        while self._door.failed is None:
            choice = await self._next_ripe()
            if choice != last:
                patience, last = PATIENCE_S, choice
            place = self.place
            try:
                deciding = await self._asker.decide(place.at(choice), DECIDE_S, place.evidence.get(choice.id))
            except DoorClosed:
                return  # said in health and log already
            if deciding.certificate is None and not self._learn(place, deciding):
                await self._wait(patience)
                patience = min(2 * patience, PATIENCE_MAX_S)

    async def _next_ripe(self) -> Choice:
        """The next act to bring to the witnesses, once it is this node's turn."""
        while True:
            choice = self.place.ripe
            if choice is None:
                await self._moved.wait()
            elif choice in self._own:
                return choice
            else:
                with trio.move_on_after(HEAD_START_S):
                    while self.place.ripe == choice and choice not in self._own:
                        await self._moved.wait()
                if self.place.ripe == choice:
                    return choice

    async def _wait(self, timeout_s: float) -> None:
        with trio.move_on_after(timeout_s):
            await self._moved.wait()

    def _learn(self, place: Proposals, deciding: Deciding) -> bool:
        """Take in what the witnesses showed; False when they showed nothing and may be asked the same again."""
        signed = deciding.signed
        for rival in deciding.rivals.values():
            place.take(rival)
        if deciding.locked is not None:
            place.bind(*deciding.locked)
        if not deciding.is_hopeless:
            return False
        if deciding.votes is not None:
            place.bind(deciding.votes, signed)
        place.spend(deciding.next_round - 1)
        words = ", ".join(str(getattr(reason, "word", reason)) for reason in deciding.reasons)
        logger.info("account 0 seq %d: round %d came to nothing (%s)", signed.seq, signed.round, words)
        self._changed()
        return True
