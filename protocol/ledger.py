"""The ledger: the state that follows from the entries and certificates it was given, and the judge of the next ones.

Pure and in memory; it can always be rebuilt by giving it the same things again. `judge` and `judge_certificate` change
nothing; `apply` and `certify` take what was judged against this very state and cannot fail; `rewind` takes back an
uncertified tail exactly. Only final entries of other chains are ever referred to, so a rewind touches nobody else.
The rules themselves are in `placing`, `shapes`, `judging` and `governance`, in the order in which they are judged.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import signing
from .base import COMMONS, AccountId, EntryId
from .certifying import Overruled, certificate_verdict
from .chain import Chain, Effects, begin
from .commons import Commons
from .entry import SignedEntry
from .governance import judge_commons
from .judging import judge_member
from .pairs import Bounced, Parcel, Watermark
from .placing import ground_fault, is_signed, place_fault, rival_place
from .root import Leaves
from .shapes import member_fault
from .signing import Verify
from .state import State
from .statements import Certificate, ForkProof
from .verdict import Accepted, Code, Duplicate, Fork, Refused, Waiting

__all__ = ["Effects", "Incoming", "Ledger", "Lookup", "Overruled"]

Lookup = Callable[[AccountId, int, int], SignedEntry | None]
"""(account, incarnation, seq) to the entry held there; the journal serves what the tail no longer has."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """All that one payer has in flight to an account, final and ready to be taken by one `Recv`."""

    payer: AccountId
    incarnation: int
    upto: int
    total: int
    """Gross total to state in the `Recv`."""
    amount: int
    """What the balance gains; bounced parcels are not in it."""
    seqs: tuple[int, ...]
    """The payer's entries whose parcels it takes; bounced ones are not among them."""


class Ledger:
    """One community's ledger. Amounts are minor units; heights None mean the newest."""

    def __init__(self, verify: Verify = signing.verify, lookup: Lookup | None = None) -> None:
        self.verify = verify
        """Checks every signature here; a replay of records that this node checked before may put a quicker one."""
        self.lookup = lookup
        self._state = State()
        self._leaves = Leaves(self._state)

    @property
    def commons(self) -> Commons:
        """What account 0 decided."""
        return self._state.commons

    # Judging: these change nothing.

    def judge(self, signed: SignedEntry) -> Effects | Duplicate | Waiting | Refused | Fork:
        """Judge an entry by all rules in the order of PROTOCOL-RULES 15; whether account 0 decided it is not asked."""
        entry, state = signed.entry, self._state
        chain = state.chains.get(entry.account)
        is_rival = chain is not None and entry.seq <= chain.seq and entry.incarnation == chain.incarnation
        if is_rival and chain is not None and chain.id_at(entry.seq) == signed.id:
            return Duplicate()
        fault = ground_fault(state, signed) or (None if is_rival else place_fault(state, signed, chain))
        if fault is not None:
            return fault
        if is_rival and entry.account == COMMONS:
            return rival_place(COMMONS, entry.seq)
        if not is_signed(state, self.verify, signed, chain):
            return Refused(Code.SIGNATURE, f"not signed by the authority of account {entry.account} at seq {entry.seq}")
        if is_rival:
            return self._fork(signed)
        if entry.account == COMMONS:
            return judge_commons(state, self.verify, signed, chain)
        refused = member_fault(entry, state.commons.members[entry.account].authority)
        return judge_member(state, signed, chain) if refused is None else refused

    def judge_act(self, signed: SignedEntry) -> Effects | Waiting | Refused:
        """As `judge`, for an entry of account 0 that is being collected: its ballots are all that is not judged."""
        if signed.account != COMMONS:
            raise ValueError("acts are entries of account 0")
        state = self._state
        chain = state.chains.get(COMMONS)
        fault = ground_fault(state, signed) or place_fault(state, signed, chain)
        return fault or judge_commons(state, self.verify, signed, chain)

    def _fork(self, signed: SignedEntry) -> Fork | Refused:
        entry = signed.entry
        held = self.entry_at(entry.account, entry.incarnation, entry.seq)
        return rival_place(entry.account, entry.seq) if held is None else Fork(ForkProof(held, signed))

    def judge_certificate(self, certificate: Certificate) -> Accepted | Duplicate | Waiting | Refused | Overruled:
        """Judge a certificate; waiting when its entry is not held, overruled when the tail here is another branch."""
        return certificate_verdict(self._state, self.verify, certificate)

    # Effects: these cannot fail.

    def apply(self, effects: Effects) -> None:
        """Put a judged entry at the head of its chain; nothing else may have been applied since it was judged."""
        entry = effects.signed.entry
        account, seq, pairs = entry.account, entry.seq, self._state.pairs
        chain = self._state.chains.get(account)
        if chain is None:
            chain = self._state.chains[account] = begin(entry)
        chain.append(effects)
        for payee, parcel in effects.puts:
            pairs.put(account, entry.incarnation, payee, parcel)
        for bounce in effects.bounces:
            pair = pairs.at(bounce.payer, bounce.incarnation, account)
            pair.bounced[bounce.upto] = Bounced(seq, bounce.amount)
            pairs.arrive(account, -bounce.amount)
        for take in effects.recvs:
            pairs.at(take.payer, take.incarnation, account).take(Watermark(seq, take.upto, take.total))
            pairs.arrive(account, -take.amount)
        if effects.act is not None:
            self.commons.advance(effects.signed.id, effects.act)
            chain.authority = self.commons.stewards()
            self._settle(chain, seq)

    def certify(self, certificate: Certificate) -> None:
        """Make final what an accepted certificate covers.

        Of account 0 all is final as soon as it is applied: apply the entry that the commits decided before this.
        """
        place = certificate.place
        chain = self._state.chains[place.account]
        if place.seq > chain.final_seq:
            self._settle(chain, place.seq)

    def _settle(self, chain: Chain, seq: int) -> None:
        pairs, account = self._state.pairs, chain.account
        self._leaves.touch(account)
        for effects in chain.settle(seq):
            for payee, parcel in effects.puts:
                pairs.arrive(payee, parcel.amount)
            for take in effects.recvs:
                pairs.fold(pairs.at(take.payer, take.incarnation, account), seq)
                self._leaves.touch(take.payer)

    def rewind(self, account: AccountId, seq: int) -> list[SignedEntry]:
        """Take back the tail above `seq` (-1: all of it), exactly; returns what was taken back, ascending.

        Raises ValueError when `seq` is below the final place: what is final stays.
        """
        chain = self._state.chains.get(account)
        if chain is None or seq >= chain.seq:
            return []
        if seq < chain.final_seq:
            raise ValueError(f"account {account} is final up to seq {chain.final_seq}, {seq} was asked")
        undone = chain.retreat(seq)
        for effects in reversed(undone):
            self._take_back(account, effects, seq)
        if seq < 0:
            del self._state.chains[account]
        return [effects.signed for effects in undone]

    def _take_back(self, account: AccountId, effects: Effects, seq: int) -> None:
        pairs, entry = self._state.pairs, effects.signed.entry
        for take in (*effects.recvs, *effects.bounces):
            pairs.at(take.payer, take.incarnation, account).untake(seq)
            pairs.arrive(account, take.amount)
        for payee, _ in effects.puts:
            pairs.unput(account, entry.incarnation, payee, entry.seq)

    # Queries.

    def accounts(self) -> Iterable[AccountId]:
        """Accounts that have a chain, ascending."""
        return sorted(self._state.chains)

    def chain(self, account: AccountId) -> Chain | None:
        """The account's chain to read, or None when it was not opened here."""
        return self._state.chains.get(account)

    def id_at(self, account: AccountId, incarnation: int, seq: int) -> EntryId | None:
        """Id of the entry held at that place, final or not."""
        chain = self._state.chains.get(account)
        return chain.id_at(seq) if chain is not None and chain.incarnation == incarnation else None

    def entry_at(self, account: AccountId, incarnation: int, seq: int) -> SignedEntry | None:
        """The entry held at that place: from the tail, else from `lookup` if there is one."""
        chain = self._state.chains.get(account)
        if chain is None or chain.incarnation != incarnation or not 0 <= seq <= chain.seq:
            return None
        if seq > chain.final_seq:
            return chain.tail[seq - chain.final_seq - 1].signed
        return self.lookup(account, incarnation, seq) if self.lookup is not None else None

    def own(self, account: AccountId) -> int:
        """What the account's own chain says, at its head."""
        chain = self._state.chains.get(account)
        return 0 if chain is None else chain.own

    def arriving(self, account: AccountId) -> int:
        """Final parcels in flight to the account that its head has neither taken nor bounced."""
        return self._state.pairs.arriving.get(account, 0)

    def balance(self, account: AccountId) -> int:
        """The balance shown: own, adjust at the newest height, and what is in flight to it, final and not bounced."""
        return self.own(account) + self.commons.adjust(account) + self.arriving(account)

    def free(self, account: AccountId, height: int | None = None) -> int:
        """What the account may send next when it cites `height` (P2): own + adjust + limit - hold."""
        commons = self.commons
        limit, hold = commons.limit(account, height), commons.hold(account, height)
        return self.own(account) + commons.adjust(account, height) + limit - hold

    def parcel(self, payer: AccountId, incarnation: int, seq: int, payee: AccountId) -> Parcel | None:
        """What the payer's entry `seq` put in flight to the payee, while it is neither taken nor bounced."""
        pair = self._state.pairs.find(payer, incarnation, payee)
        return pair.parcels[seq] if pair is not None and pair.is_open(seq) else None

    def incoming(self, account: AccountId) -> list[Incoming]:
        """What the account could take in now, by payer."""
        ready = []
        for pair in self._state.pairs.open_to(account):
            parcels = pair.open_until(self._state.final_seq(pair.payer, pair.incarnation))
            seqs = tuple(parcel.seq for parcel in parcels if parcel.seq not in pair.bounced)
            if seqs:
                total = pair.taken.total + sum(parcel.amount for parcel in parcels)
                amount = pair.amount_until(parcels[-1].seq)
                ready.append(Incoming(pair.payer, pair.incarnation, parcels[-1].seq, total, amount, seqs))
        return ready

    def state_root(self) -> bytes:
        """One hash over all that is final, 32 bytes; `root` says of what."""
        return self._leaves.root()

    def check_sum(self) -> int:
        """Invariant I1, counted anew: own, adjust and parcels not bounced of everybody. 0, or the ledger is wrong."""
        commons, pairs = self.commons, self._state.pairs
        adjusts = sum(commons.adjust(account) for account in (COMMONS, *commons.members))
        owns = sum(chain.own for chain in self._state.chains.values())
        return owns + adjusts + pairs.in_flight()
