"""The all-seeing judge of a simulated community: told of everything, it checks the invariants at every step.

Votes are tallied as they leave a witness, not when somebody makes a certificate of them, and every liar is counted as
having voted for everything. Balances are compared with tests/naive.py, which shares no code with the ledger.
Numbers of invariants are those of PROTOCOL.md section 8.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.base import COMMONS, AccountId, EntryId
from protocol.chain import Effects
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.messages import Answer, Message
from protocol.ops import Bounce, Recv, Send
from protocol.signing import Tag
from protocol.statements import Certificate, Place, Vote
from tests.naive import Naive

if TYPE_CHECKING:
    from .peer import Peer
    from .world import World

NAIVE_EVERY = 8
"""The naive ledger is slow: balances are compared at every so many moves of a peer, and at the end."""


class Violation(Exception):
    """An invariant does not hold."""


def require(holds: bool, invariant: str, facts: Callable[[], str]) -> None:
    """Raise Violation unless it holds."""
    if not holds:
        raise Violation(f"{invariant}: {facts()}")


class Watch:
    """What the oracle knows of one life of one peer."""

    def __init__(self) -> None:
        self.order: list[SignedEntry] = []
        """Entries that are part of the ledger, in the order in which they were applied."""
        self.naive = Naive()
        self.final: dict[AccountId, int] = {}
        self.moves = 0
        self.has_moved = False


class Oracle:
    """Sees all peers, all votes and all entries."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._parents: dict[EntryId, bytes] = {}
        self._watches: dict[int, Watch] = {}
        self._effects: dict[EntryId, int] = {}
        self._tally: dict[tuple[Tag, Place], set[int]] = {}
        self._certifiable: dict[AccountId, tuple[int, EntryId]] = {}
        self._decided: dict[int, EntryId] = {}
        self._voted: dict[tuple[int, AccountId], tuple[int, EntryId]] = {}
        self._balloted: dict[tuple[int, Tag, int, int], EntryId] = {}
        self._numbers: dict[tuple[int, int], tuple[Tag, Place]] = {}
        self._final: dict[tuple[AccountId, int], EntryId] = {}
        self._uptos: dict[tuple[AccountId, AccountId], tuple[int, int]] = {}
        self.acknowledged: dict[tuple[AccountId, int], EntryId] = {}
        """What a payer was told is final."""

    # Branches

    def written(self, signed: SignedEntry) -> None:
        """Somebody signed this."""
        self._parents[signed.id] = signed.entry.prev

    def _is_ancestor(self, seq: int, id: EntryId, of_seq: int, of_id: EntryId) -> bool:
        while of_seq > seq:
            of_seq, of_id = of_seq - 1, EntryId(self._parents[of_id])
        return of_seq == seq and of_id == id

    def _is_one_branch(self, one: tuple[int, EntryId], other: tuple[int, EntryId]) -> bool:
        low, high = sorted((one, other), key=lambda head: head[0])
        return self._is_ancestor(*low, *high)

    # Votes

    def left(self, peer: "Peer", message: Message) -> None:
        """A message left a peer."""
        if isinstance(message, Answer) and isinstance(message.statement, Vote):
            if peer.has_old_store:
                self._check_fenced(message.statement)
            if not peer.lies:
                self._check_honest(message.statement)
            self._count(message.statement)

    def _check_fenced(self, vote: Vote) -> None:
        """A witness on an old store may at most repeat what it once said."""
        known = self._numbers.get((vote.witness, vote.number))
        require(known == (vote.tag, vote.place), "fence", lambda: f"a witness on an old store gave a new vote: {vote}")

    def _check_honest(self, vote: Vote) -> None:
        place, witness = vote.place, vote.witness
        before = self._numbers.setdefault((witness, vote.number), (vote.tag, place))
        require(before == (vote.tag, place), "one number, one thing",
                lambda: f"witness {witness} used number {vote.number} for {before} and {vote}")  # fmt: skip
        if place.account == COMMONS:
            key = witness, vote.tag, place.seq, place.incarnation
            id = self._balloted.setdefault(key, place.id)
            require(id == place.id, "one vote a round", lambda: f"witness {witness} said two things: {vote}")
            return
        head = place.seq, place.id
        lock = self._voted.setdefault((witness, place.account), head)
        require(self._is_one_branch(lock, head), "one branch a witness",
                lambda: f"witness {witness} voted for two branches of account {place.account}")  # fmt: skip
        self._voted[witness, place.account] = max(lock, head, key=lambda known: known[0])

    def _count(self, vote: Vote) -> None:
        voters = self._tally.setdefault((vote.tag, vote.place), set(self._world.liars))
        voters.add(vote.witness)
        if len(voters) >= self._world.quorum:
            self._certifiable_at(vote.tag, vote.place)

    def _certifiable_at(self, tag: Tag, place: Place) -> None:
        if place.account == COMMONS:
            if tag is Tag.COMMIT:
                id = self._decided.setdefault(place.seq, place.id)
                require(id == place.id, "I11", lambda: f"two entries decided at place {place.seq} of account 0")
            return
        head = place.seq, place.id
        known = self._certifiable.setdefault(place.account, head)
        require(self._is_one_branch(known, head), "I3",
                lambda: f"two branches of account {place.account} have {self._world.quorum} votes")  # fmt: skip
        self._certifiable[place.account] = max(known, head, key=lambda one: one[0])

    def key_died(self, peer: "Peer", reason: str) -> None:
        """The fence found an old store: only a peer that has one may be told so, never one that merely crashed."""
        self._world.count("found out an old store")
        require(peer.has_old_store, "fence", lambda: f"the key of {peer.index} died, its store is its own: {reason}")

    def look_at_vote(self, peer: "Peer", account: AccountId, seq: int, lock: int) -> None:
        """An honest witness gives a new vote: nothing above its lock may break a rule of its newest height (6d)."""
        chain = peer.door.ledger.chain(account)
        assert chain is not None
        rules = self._watches[peer.index].naive.heights[-1]
        for effects in chain.tail:
            if not max(lock, chain.final_seq) < effects.signed.seq <= seq:
                continue
            level = rules.levels.get(account, 0)
            free = effects.own_after + rules.adjusts.get(account, 0) + rules.limits[account]
            is_bound = level == 2 or (effects.spends and (level == 1 or free < 0))
            require(not is_bound, "6(d)", lambda: f"account {account} seq {seq} got a vote: level {level}, free {free}")

    # Ledgers

    def watch(self, peer: "Peer", ledger: Ledger) -> None:
        """A peer starts with this ledger: follow all that is applied to it."""
        watch = self._watches[peer.index] = Watch()
        for _, signed in peer.disk.applied():
            watch.order.append(signed)
        held = [signed for signed in watch.order if self._is_held(ledger, signed)]
        watch.order = list({signed.id: signed for signed in held}.values())
        watch.naive = Naive(signed.entry for signed in watch.order)
        watch.final = self._finals(ledger)
        apply, rewind = ledger.apply, ledger.rewind

        def applied(effects: Effects) -> None:
            apply(effects)
            watch.order.append(effects.signed)
            watch.naive.apply(effects.signed.entry)
            watch.has_moved = True
            self._applied(effects)

        def rewound(account: AccountId, seq: int) -> list[SignedEntry]:
            undone = rewind(account, seq)
            gone = {signed.id for signed in undone}
            watch.order = [signed for signed in watch.order if signed.id not in gone]
            watch.naive = Naive(signed.entry for signed in watch.order)
            watch.has_moved = True
            return undone

        ledger.apply, ledger.rewind = applied, rewound  # type: ignore[method-assign]

    def _is_held(self, ledger: Ledger, signed: SignedEntry) -> bool:
        return ledger.id_at(signed.account, 0, signed.seq) == signed.id

    def _finals(self, ledger: Ledger) -> dict[AccountId, int]:
        chains = {account: ledger.chain(account) for account in ledger.accounts()}
        return {account: chain.final_seq for account, chain in chains.items() if chain is not None}

    def _applied(self, effects: Effects) -> None:
        own = self._effects.setdefault(effects.signed.id, effects.own_after)
        require(own == effects.own_after, "I4", lambda: f"{effects.signed} ends at {own} elsewhere")

    def moved(self, peer: "Peer") -> None:
        """A peer has dealt with something: check its ledger if it changed."""
        if not peer.is_up:
            return
        watch, ledger = self._watches[peer.index], peer.door.ledger
        finals = self._finals(ledger)
        if not watch.has_moved and finals == watch.final:
            return
        watch.has_moved = False
        watch.moves += 1
        require(ledger.check_sum() == 0, "I1", lambda: f"peer {peer.index} counts {ledger.check_sum()}")
        for account, seq in finals.items():
            low = watch.final.get(account, -1)
            require(seq >= low, "finality", lambda: f"peer {peer.index}: account {account} fell from {low} to {seq}")
            for at in range(low + 1, seq + 1):
                self._became_final(peer, ledger, account, at)
        watch.final = finals
        if watch.moves % NAIVE_EVERY == 0:
            self.compare(peer)

    def _became_final(self, peer: "Peer", ledger: Ledger, account: AccountId, seq: int) -> None:
        id = ledger.id_at(account, 0, seq)
        assert id is not None
        known = self._final.setdefault((account, seq), id)
        name = "I11" if account == COMMONS else "I3"
        require(known == id, name, lambda: f"peer {peer.index} holds another final entry {account}/{seq}")
        signed = next(one for one in reversed(self._watches[peer.index].order) if one.id == id)
        self._check_spending(ledger, signed)
        self._check_watermarks(signed)

    def _check_spending(self, ledger: Ledger, signed: SignedEntry) -> None:
        """I2, with the rules of the cited height."""
        entry, commons = signed.entry, ledger.commons
        if entry.account == COMMONS or not any(isinstance(op, Send) for op in entry.ops):
            return
        free = self._effects[signed.id] + commons.adjust(entry.account, entry.height)
        free += commons.limit(entry.account, entry.height)
        require(free >= 0, "I2", lambda: f"account {entry.account} seq {entry.seq} ends with {free} free")

    def _check_watermarks(self, signed: SignedEntry) -> None:
        """I8: along a chain each watermark only rises; and what is bounced lies above it."""
        me = signed.account
        for op in signed.entry.ops:
            if not isinstance(op, Recv | Bounce):
                continue
            at, upto = self._uptos.get((me, op.payer), (-1, -1))
            if signed.seq <= at:
                continue
            new = op.upto if isinstance(op, Recv) else op.seq
            require(new > upto, "I8", lambda: f"account {me} seq {signed.seq}: {upto} to {new}")
            if isinstance(op, Recv):
                self._uptos[me, op.payer] = signed.seq, op.upto

    def compare(self, peer: "Peer") -> None:
        """I9: every balance is the naive fold's."""
        watch, ledger = self._watches[peer.index], peer.door.ledger
        final = {int(account): seq for account, seq in watch.final.items()}
        require(watch.naive.total() == 0, "I1", lambda: f"peer {peer.index}: the naive ledger makes money")
        for account in (COMMONS, *ledger.commons.members):
            mine, naive = ledger.balance(account), watch.naive.balance(account, final)
            require(mine == naive, "I9", lambda: f"peer {peer.index}: account {account} has {mine}, naively {naive}")

    # The end

    def acknowledge(self, certificate: Certificate) -> None:
        """A payer's node says that an entry is final."""
        place = certificate.place
        self.acknowledged[place.account, place.seq] = place.id

    def conclude(self) -> None:
        """After the healing: everybody agrees, and nothing that was told to be final is missing anywhere."""
        peers = self._world.peers
        for peer in peers:
            self.compare(peer)
            for (account, seq), id in self.acknowledged.items():
                held = peer.door.ledger.id_at(account, 0, seq)
                require(held == id, "I10", lambda: f"peer {peer.index} lacks acknowledged {account}/{seq}")
        roots = {peer.door.ledger.state_root() for peer in peers}
        require(len(roots) == 1, "I4", lambda: f"{len(roots)} different roots: {self._differences()}")

    def _differences(self) -> str:
        finals = [self._finals(peer.door.ledger) for peer in self._world.peers]
        accounts = sorted({account for final in finals for account in final})
        told = {account: [final.get(account, -1) for final in finals] for account in accounts}
        return str({account: seqs for account, seqs in told.items() if len(set(seqs)) > 1})
