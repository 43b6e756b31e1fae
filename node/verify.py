"""Checking the books: the whole journal is folded again into a fresh ledger and compared with the one in use.

Quick looks at every page of the file and folds every record by all rules. Full also checks every signature: of
entries, certificates, own votes, marks and proofs, from the stored bytes. Changes nothing. Works on a reader of its
own, so it may run in another thread while the node goes on.
"""

from dataclasses import dataclass, field

import trio

from protocol import signing
from protocol.base import COMMONS, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from protocol.signing import Tag
from protocol.state import is_met
from protocol.statements import Certificate, ForkProof, certificate_tag
from protocol.verdict import Accepted, Duplicate

from .filesystem import StoreRefused
from .journal import Journal
from .journal.reading import Reader
from .records import CertificateRecord, EntryRecord, ForkRecord, MarkRecord, Record, VoteRecord


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. Without faults the books are right; the first fault is the first that was met."""

    rows: int
    entries: int
    certificates: int
    signatures: int
    """Checked again; 0 for a quick check."""
    sum: int
    """Of all balances and what is in flight, in the smallest units."""
    root: bytes
    """The state root by the journal."""
    is_compared: bool
    """The ledger in use stood where the journal stands, so balances and state roots were compared too."""
    faults: tuple[str, ...]


async def check_books(journal: Journal, ledger: Ledger, *, full: bool) -> Report:
    """Check the books of a running node; the work is done in another thread, over what is durable now."""
    reader = journal.second_reader()
    try:
        check = await trio.to_thread.run_sync(_fold, reader, full)
        return check.report(reader.last_row, ledger)
    finally:
        reader.close()


def verify(journal: Reader, ledger: Ledger | None = None, *, full: bool) -> Report:
    """Check a journal by itself, and against the ledger in use if there is one, which may be ahead of it."""
    return _fold(journal, full).report(journal.last_row, ledger)


def _fold(journal: Reader, full: bool) -> "_Check":
    check = _Check(full)
    check.read(journal)
    return check


def is_same_place(again: Ledger, used: Ledger) -> bool:
    """Tell whether both ledgers have the same heads, final up to the same places."""

    def places(ledger: Ledger) -> list[tuple[AccountId, EntryId | None, int]]:
        chains = [(account, ledger.chain(account)) for account in ledger.accounts()]
        return [(account, chain.id, chain.final_seq) for account, chain in chains if chain is not None]

    return places(again) == places(used)


def first_difference(again: Ledger, used: Ledger) -> str | None:
    """Say where the ledger in use contradicts the journal, by the lowest account, or None.

    It may be ahead: then what is final by the journal must be final in it, and chains at the same head must agree.
    """
    is_same = is_same_place(again, used)
    for account in again.accounts():
        fault = _chain_difference(again, used, account)
        if fault is None and is_same and again.balance(account) != used.balance(account):
            fault = f"balance {again.balance(account)} by the journal, {used.balance(account)} in memory"
        if fault is not None:
            return f"account {account}: {fault}"
    if is_same and again.state_root() != used.state_root():
        return f"the state root is {again.state_root().hex()} by the journal, {used.state_root().hex()} in memory"
    return None


def _chain_difference(again: Ledger, used: Ledger, account: AccountId) -> str | None:
    said, held = again.chain(account), used.chain(account)
    if said is None or held is None:
        return "it is in the journal and not in memory"
    final = said.final_seq
    if held.final_seq < final:
        return f"final up to entry {final} by the journal, up to {held.final_seq} in memory"
    if final >= 0 and held.id_at(final) != said.id_at(final):
        return f"another entry {final} in memory than in the journal"
    if held.id == said.id and held.own != said.own:
        return f"its own part is {said.own} by the journal, {held.own} in memory (smallest units)"
    return None


@dataclass(slots=True)
class _Check:
    """Folds records into a second ledger. The first record that does not fit ends it: what follows stands on it."""

    full: bool
    ledger: Ledger = field(default_factory=Ledger)
    entries: int = 0
    certificates: int = 0
    signatures: int = 0
    faults: list[str] = field(default_factory=list)
    undecided: dict[EntryId, int] = field(default_factory=dict)
    """Entries of account 0 whose certificate was not met yet, and their seqs."""

    def __post_init__(self) -> None:
        self.ledger.verify = self._verify

    def _verify(self, *signed: object) -> bool:
        """The only way to a signature: counts the real ones, believes all in a quick check."""
        if not self.full:
            return True
        self.signatures += 1
        return signing.verify(*signed)  # type: ignore[arg-type]

    def report(self, rows: int, used: Ledger | None) -> Report:
        """Sum up, and compare with the ledger in use."""
        total, root = self.ledger.check_sum(), self.ledger.state_root()
        if not self.faults and total != 0:
            self.faults.append(f"all balances sum to {total} smallest units instead of 0")
        if not self.faults and used is not None:
            self.faults += filter(None, [first_difference(self.ledger, used)])
        counts = rows, self.entries, self.certificates, self.signatures
        compared = used is not None and is_same_place(self.ledger, used)
        return Report(*counts, total, root, compared, tuple(self.faults))

    def read(self, journal: Reader) -> None:
        """Check the file and fold all of it."""
        try:
            journal.check(full=self.full)
            for row, record in journal.replay():
                fault = self._fault(record)
                if fault is not None:
                    self.faults.append(f"row {row}: {fault}")
                    return
        except StoreRefused as error:
            self.faults.append(error.facts)
            return
        self.faults += [f"nothing decides entry {seq} of account 0" for seq in self.undecided.values() if seq > 0]

    def _fault(self, record: Record) -> str | None:
        match record:
            case EntryRecord(signed):
                self.entries += 1
                return self._entry_fault(signed)
            case CertificateRecord(certificate):
                self.certificates += 1
                return self._certificate_fault(certificate)
            case _ if self.full:
                return self._statement_fault(record)
        return None

    def _entry_fault(self, signed: SignedEntry) -> str | None:
        where = f"entry {signed.seq} of account {signed.account}"
        chain = self.ledger.chain(signed.account)
        if chain is not None and signed.account != COMMONS and signed.seq <= chain.seq:
            if signed.seq <= chain.final_seq:
                return f"{where} stands in the place of a final one"
            self.ledger.rewind(signed.account, signed.seq - 1)  # a certificate for this branch displaced the tail
        effects = self.ledger.judge(signed)
        if not isinstance(effects, Effects):
            return f"{where} is not valid: {effects}"
        self.ledger.apply(effects)
        if signed.account == COMMONS:
            self.undecided[signed.id] = signed.seq
        return None

    def _certificate_fault(self, certificate: Certificate) -> str | None:
        place, where = certificate.place, f"the certificate of entry {certificate.place.seq}"
        judged = self.ledger.judge_certificate(certificate)
        if isinstance(judged, Accepted):
            self.ledger.certify(certificate)
        elif not isinstance(judged, Duplicate):
            return f"{where} of account {place.account} is not valid: {judged}"
        elif not self._is_by_quorum(certificate):  # the ledger does not look again at what is final already
            return f"{where} of account {place.account} is not signed by a quorum"
        self.undecided.pop(place.id, None)
        return None

    def _is_by_quorum(self, certificate: Certificate) -> bool:
        commons, tag = self.ledger.commons, certificate_tag(certificate.place)
        if not self.full:
            return len(certificate.votes) >= commons.quorum
        self.signatures += len(certificate.votes)
        return certificate.is_valid(tag, commons.witnesses, commons.quorum, commons.community)

    def _statement_fault(self, record: Record) -> str | None:
        commons = self.ledger.commons
        match record:
            case VoteRecord(vote):
                self.signatures += 1
                keys = commons.witnesses
                if vote.witness >= len(keys) or not vote.is_by(keys[vote.witness], commons.community):
                    return f"vote {vote.number} is not signed by witness {vote.witness}"
            case MarkRecord(mark, _):
                self.signatures += 1
                if not mark.is_genuine(commons.community):
                    return f"the mark below {mark.below} is not signed by its witness"
            case ForkRecord(proof):
                return self._proof_fault(proof)
        return None

    def _proof_fault(self, proof: ForkProof) -> str | None:
        account = proof.first.account
        chain = self.ledger.chain(account)
        if not proof.is_about_one_place():
            return "a fork proof is about two places"
        for signed in (proof.first, proof.second):
            content = Tag.ENTRY, self.ledger.commons.community, signed.body, signed.signatures
            if chain is None or not is_met(self._verify, chain.authority, *content):
                return f"a fork proof names account {account}, which did not sign both of its entries"
        return None
