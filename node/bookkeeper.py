"""The one door: everything that is to become part of the record goes through `take`, and nothing else writes.

Bytes were decoded before; here an entry is judged (signatures included), applied to the ledger in memory, and
staged, with no await in between, for the writer (`writing`). Answers, events and messages that depend on a record
are staged beside it and released only after its commit (protocol/commit.py, which the simulator runs too). If a commit
fails, the door takes nothing more, drops its memory and reads on from the journal.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from protocol.base import COMMONS, TAIL_MAX, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger, Overruled
from protocol.messages import Bundle
from protocol.statements import Certificate, ForkProof, Place
from protocol.verdict import Accepted, Code, Duplicate, Fork, Need, Refused, Verdict, Waiting

from .filesystem import StoreRefused
from .happenings import Certified, Entered, Forked, Happening, Listener, Overturned
from .journal import Journal
from .rebuilding import JournalContradicts, rebuild_aside
from .records import CertificateRecord, EntryRecord, ForkRecord, Record
from .rivals import Branch, Rivals
from .tickets import DoorClosed, Ticket
from .waiting import WaitingRoom
from .writing import Release, Writer, let_go

logger = logging.getLogger("tallystick.bookkeeper")

PENDING_CERTIFICATES_MAX = 1_000
"""Certificates kept for entries that are not here yet; the oldest leaves when there are more."""


class Bookkeeper:
    """Holds ledger and journal together. `ledger` is for reading; only `take` changes it."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self.ledger = ledger
        self.journal = journal
        self.failed: str | None = None
        self.unreadable: str | None = None
        """Why the ledger may show what is not on disk; only after a failed commit, and as a rule not for long."""
        self.waiting = WaitingRoom()
        self.rivals = Rivals()
        self._pending: dict[AccountId, Certificate] = {}
        self._stirred: deque[AccountId] = deque()
        self._writer = Writer(journal)
        self._final_on_disk: dict[AccountId, int] = {}
        self._proven = {_life(record.proof) for record in journal.notes(ForkRecord)}
        self._listeners: list[Listener] = []
        self._on_closed: list[Callable[[], None]] = []
        self._watchers: list[Callable[[Certificate], None]] = []

    # Asking and telling

    def listen(self, listener: Listener) -> None:
        """Have `listener` told of every happening, after its commit."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[Certificate], None]) -> None:
        """Have `watcher` see every certificate that is shown here, before it is judged and whatever comes of it."""
        self._watchers.append(watcher)

    def on_closed(self, closed: Callable[[], None]) -> None:
        """Have `closed` called once nothing is taken any more."""
        self._on_closed.append(closed)

    async def wait_rows(self, above: int) -> int:
        """Wait until the journal has a row above `above`; returns its newest row."""
        return await self._writer.wait_rows(above)

    @property
    def last_row(self) -> int:
        """The newest durable row of the journal."""
        return self._writer.last_row

    # Taking in

    def take(self, bundle: Bundle) -> list[Verdict]:
        """Judge and apply what can be; one verdict an entry, in order.

        Durable once `ticket.durable()` returns; if nobody waits for it, soon. Raises DoorClosed after a failed commit.
        """
        self._require_open()
        verdicts: list[Verdict] = []
        entries = {signed.id for signed in bundle.entries}
        # What certifies earlier entries comes first: it makes room above them.
        for certificate in bundle.certificates:
            if certificate.place.id not in entries:
                self._certify(certificate)
                self._settle()
        # The others right after their entry: the next entries may refer to what they make final.
        certificates = {certificate.place.id: certificate for certificate in bundle.certificates}
        for signed in bundle.entries:
            verdicts.append(self._enter(signed))
            certificate_of_it = certificates.get(signed.id)
            if certificate_of_it is not None:
                self._certify(certificate_of_it)
            self._settle()
        return verdicts

    def show(self, proof: ForkProof) -> None:
        """Take a fork proof: both entries are judged like any other, so only a real one is kept and passed on."""
        if proof.is_about_one_place() and _life(proof) not in self._proven:
            self.take(Bundle((proof.first, proof.second)))

    def record(self, *records: Record) -> None:
        """Stage records of a witness: its vote travels to disk with the entry it is for. Raises DoorClosed."""
        self._require_open()
        self._stage(records)

    def after_commit(self, release: Release) -> None:
        """Call `release` once everything taken so far is durable; never, if that fails. Raises DoorClosed."""
        self.with_commit(release)
        self._writer.hasten()

    def with_commit(self, release: Release) -> None:
        """As `after_commit`, for what may wait: it hastens no commit. Raises DoorClosed."""
        self._require_open()
        self._writer.stage((), (release,))

    def hasten(self) -> None:
        """Somebody waits for what was taken: have it written without delay."""
        self._writer.hasten()

    def tell(self, happening: Happening) -> None:
        """Have listeners told of `happening` once everything taken so far is durable; not after a failed commit."""
        if self.failed is None:
            self._stage((), happening)

    @property
    def ticket(self) -> Ticket:
        """Stands for what was taken so far; wait for it with `durable`."""
        return self._writer.ticket

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody waits for a commit of what was taken."""
        return self._writer.is_awaited

    @property
    def is_settled(self) -> bool:
        """Tell whether all that the ledger shows is durable."""
        return self.unreadable is None and self._writer.is_settled

    @property
    def staged(self) -> int:
        """Records that are taken and not yet durable, about."""
        return self._writer.staged

    def final_on_disk(self, account: AccountId) -> int:
        """The newest seq of an account whose certificate is durable, or -1. The ledger may be a commit ahead."""
        final = self._final_on_disk.get(account)
        return self._final_seq(account) if final is None else final

    def _final_seq(self, account: AccountId) -> int:
        chain = self.ledger.chain(account)
        return -1 if chain is None else chain.final_seq

    async def submit(self, bundle: Bundle) -> list[Verdict]:
        """Take a bundle and wait until what came of it is durable. Raises DoorClosed."""
        verdicts = self.take(bundle)
        await self.ticket.durable()
        return verdicts

    def _stage(self, records: Sequence[Record], *happenings: Happening) -> None:
        self._writer.stage(records, [partial(self._tell, happening) for happening in happenings])

    def _tell(self, happening: Happening) -> None:
        if isinstance(happening, Certified):
            place = happening.certificate.place
            self._final_on_disk[place.account] = place.seq
        for listener in self._listeners:
            let_go(listener, happening)

    async def write(self) -> None:
        """Commit one batch after the other, for as long as the node runs or until a commit fails."""
        await self._close(await self._writer.run())

    async def _close(self, reason: str) -> None:
        """Stop for good: memory may hold what the disk does not, so it is dropped and read anew."""
        logger.error("the record cannot be kept, so nothing is signed any more: %s", reason)
        self.failed = self.unreadable = reason
        self.waiting, self.rivals, self._pending = WaitingRoom(), Rivals(), {}
        try:
            self.ledger, self._final_on_disk = await rebuild_aside(self.journal), {}
        except (StoreRefused, JournalContradicts) as error:
            self.failed = self.unreadable = f"{reason}; and it cannot be read: {error}"
            logger.error("the record cannot be read either, so nothing is shown: %s", error)
        else:
            self.unreadable = None
        self._writer.fail(self.failed)
        for closed in self._on_closed:
            let_go(closed)

    def _require_open(self) -> None:
        if self.failed is not None:
            raise DoorClosed(self.failed)

    # Entries

    def _enter(self, signed: SignedEntry) -> Verdict:
        if signed.account == COMMONS:
            return self._enter_commons(signed)
        judged = self.ledger.judge(signed)
        match judged:
            case Effects():
                self._apply(judged, signed)
                return Accepted()
            case Waiting():
                self.waiting.add(judged, signed)
                if judged.need is not Need.HEIGHT:  # else not even its account may exist
                    self._keep_rival(signed)
            case Fork():
                self._prove(judged)
                self._keep_rival(signed)
            case Refused(code=Code.PLACE) if signed.account in self._pending:  # it may show where a branch leaves
                self._keep_rival(signed)
        return judged

    def _keep_rival(self, signed: SignedEntry) -> None:
        """Keep what may be of another branch; a certificate for that branch may have been waiting for it."""
        self.rivals.add(signed)
        self._settle_certificate(signed.account)

    def _enter_commons(self, signed: SignedEntry) -> Verdict:
        """Entries of account 0 wait for the commits that decide them; only then they are judged and applied."""
        held = self.ledger.id_at(COMMONS, 0, signed.seq)
        if held is not None:
            return Duplicate() if held == signed.id else Refused(Code.PLACE, f"place {signed.seq} is decided")
        self.rivals.add(signed)
        self._settle_certificate(COMMONS)
        if self.ledger.id_at(COMMONS, 0, signed.seq) == signed.id:
            return Accepted()
        return Waiting(Need.HEIGHT, COMMONS, 0, signed.seq)

    def _apply(self, effects: Effects, signed: SignedEntry) -> None:
        self.ledger.apply(effects)
        self.rivals.discard(signed)
        self._stage((EntryRecord(signed),), Entered(signed))
        self._stirred.append(signed.account)

    def _settle(self) -> None:
        """Submit again what waited for the accounts that just moved, until nothing moves any more."""
        while self._stirred:
            account = self._stirred.popleft()
            self._settle_certificate(account)
            chain = self.ledger.chain(account)
            if chain is not None and len(self.waiting):
                for signed in self.waiting.released(account, head=chain.seq, final=chain.final_seq):
                    self._enter(signed)

    def _settle_certificate(self, account: AccountId) -> None:
        certificate = self._pending.pop(account, None)
        if certificate is not None:
            self._certify(certificate)

    def _prove(self, fork: Fork) -> None:
        """Keep and tell the first proof of an account's life: who signed twice once can do so without end."""
        life = _life(fork.proof)
        if life not in self._proven:
            self._proven.add(life)
            self._stage((ForkRecord(fork.proof),), Forked(fork.proof))

    # Certificates

    def _certify(self, certificate: Certificate) -> Verdict | Overruled:
        for watcher in self._watchers:
            watcher(certificate)
        place = certificate.place
        judged = self.ledger.judge_certificate(certificate)
        match judged:
            case Accepted() if place.account == COMMONS:
                return self._decide(certificate)
            case Accepted():
                settled = self._above_final(place)
                self._final_on_disk.setdefault(place.account, self._final_seq(place.account))
                self.ledger.certify(certificate)
                self._stage((CertificateRecord(certificate),), Certified(certificate, settled))
                self._stirred.append(place.account)
            case Waiting() | Overruled():
                branch = self.rivals.branch(place.account, place.id, partial(self._holds, place))
                if branch is not None and self._is_beside_final(branch):
                    judged = Refused(Code.CONFLICT, f"account {place.account} is final here on another branch")
                else:
                    self._keep_pending(certificate)
                    self._adopt(certificate, branch)
        if isinstance(judged, Refused):
            logger.warning("a certificate was refused: %s", judged.facts)
        return judged

    def _above_final(self, place: Place) -> tuple[SignedEntry, ...]:
        """The entries that a certificate for `place` is about to make final."""
        chain = self.ledger.chain(place.account)
        tail = [] if chain is None else chain.tail
        return tuple([effects.signed for effects in tail if effects.signed.seq <= place.seq])

    def _decide(self, certificate: Certificate) -> Verdict:
        """Apply the entry of account 0 that these commits decided, once its body is here."""
        place = certificate.place
        signed = self.rivals.get(COMMONS, place.id)
        effects = None if signed is None else self.ledger.judge(signed)
        if signed is None or not isinstance(effects, Effects):
            self._keep_pending(certificate)
            return Waiting(Need.HEIGHT, COMMONS, 0, place.seq)
        self._final_on_disk.setdefault(COMMONS, self._final_seq(COMMONS))
        self.ledger.apply(effects)
        self.ledger.certify(certificate)
        self.rivals.forget(COMMONS)
        decided = Certified(certificate, (signed,))
        self._stage((EntryRecord(signed), CertificateRecord(certificate)), Entered(signed), decided)
        self._stirred.append(COMMONS)
        return Accepted()

    def _keep_pending(self, certificate: Certificate) -> None:
        kept = self._pending.pop(certificate.place.account, None)
        if kept is not None and kept.place.seq > certificate.place.seq:
            certificate = kept
        self._pending[certificate.place.account] = certificate
        if len(self._pending) > PENDING_CERTIFICATES_MAX:
            del self._pending[next(iter(self._pending))]

    def _is_beside_final(self, branch: Branch) -> bool:
        """Whether a member's branch leaves its chain at or below what is final. It takes b + 1 lying witnesses."""
        chain = self.ledger.chain(branch.entries[0].account)
        return chain is not None and chain.account != COMMONS and branch.leaves_by <= chain.final_seq

    def _adopt(self, certificate: Certificate, found: Branch | None) -> None:
        """Let the branch that `certificate` proves take the place of the uncertified tail held here.

        If an entry of it is not here or cannot be judged yet, or is not valid for all its votes, all stays as it was.
        """
        account = certificate.place.account
        if found is None or not found.is_whole or len(found.entries) > TAIL_MAX:
            return
        branch, chain = found.entries, self.ledger.chain(account)
        if chain is None or not chain.final_seq < branch[0].seq <= chain.seq:
            return
        undone = self.ledger.rewind(account, branch[0].seq - 1)
        if not self._stands(branch):
            self.ledger.rewind(account, branch[0].seq - 1)
            self._stands(undone)
            return
        if self._pending.get(account) == certificate:  # else it is one for a higher place, which still waits
            del self._pending[account]
        for signed in undone:
            self.rivals.add(signed)
        for signed in branch:
            self.rivals.discard(signed)
        self._stage([EntryRecord(signed) for signed in branch], Overturned(tuple(undone)), *map(Entered, branch))
        self._stirred.append(account)
        self._certify(certificate)

    def _holds(self, place: Place, seq: int, id: EntryId) -> bool:
        """Whether the chain of `place` holds this entry; below its first one every branch has the community's id."""
        if seq < 0:
            return place.incarnation == 0 and id == EntryId(self.ledger.commons.community)
        return self.ledger.id_at(place.account, place.incarnation, seq) == id

    def _stands(self, branch: Sequence[SignedEntry]) -> bool:
        """Apply these entries to the ledger one after the other; False at the first that is not valid there."""
        for signed in branch:
            effects = self.ledger.judge(signed)
            if not isinstance(effects, Effects):
                return False
            self.ledger.apply(effects)
        return True

    def wanted(self) -> Sequence[Certificate]:
        """Certificates whose entries are not here: replication asks peers for them."""
        return tuple(self._pending.values())


def _life(proof: ForkProof) -> tuple[AccountId, int]:
    return proof.first.account, proof.first.entry.incarnation
