"""Replays a story: gives each step's bytes to a ledger, as a node's door would, and says what became of them.

A second implementation needs the same few lines. Kinds of steps: `value` is decoded only; `entry` is judged and, when
accepted, applied; `candidate` is an entry of account 0 that is judged only; `decided` is the array [signed form,
certificate] of such an entry; `certificate` makes a member's entry final; `vote`, `nack`, `mark` and `proof` are
statements by themselves.
"""

from protocol import codec
from protocol.base import COMMONS, AccountId, Malformed
from protocol.entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from protocol.ledger import Effects, Ledger, Overruled
from protocol.messages import FRAME_BYTES_MAX
from protocol.signing import Tag
from protocol.statements import CERTIFICATE_BYTES_MAX, Certificate, ForkProof, Mark, Nack, Vote, ballot_content
from protocol.verdict import Accepted, Code, Duplicate, Fork, Need, Refused, Waiting

Outcome = tuple[str, str | None]
"""A verdict's word; with it, the code of a refusal or what is waited for."""
ACCEPTED: Outcome = ("accepted", None)
MALFORMED: Outcome = ("malformed", None)
UNSIGNED: Outcome = ("refused", Code.SIGNATURE.word)
CLOSED: Outcome = ("refused", Code.EPOCH_CLOSED.word)
TOO_EARLY: Outcome = ("waiting", Need.HEIGHT.value)

Statement = Vote | Nack | Mark | ForkProof
STATEMENTS: dict[str, type[Statement]] = {"vote": Vote, "nack": Nack, "mark": Mark, "proof": ForkProof}


class Replay:
    """One ledger on its way through a story. It starts empty: the founding entry is a step like the others."""

    def __init__(self) -> None:
        self.held: dict[tuple[AccountId, int, int], SignedEntry] = {}
        self.ledger = Ledger(lookup=lambda *place: self.held.get(place))

    def step(self, kind: str, raw: bytes) -> Outcome:
        """Take one step; only `accepted` and `overruled` ones change the ledger."""
        try:
            match kind:
                case "value":
                    codec.plain(codec.decode(raw, FRAME_BYTES_MAX))
                    return ACCEPTED
                case "entry":
                    return self._entry(read_signed(raw), is_applied=True)
                case "candidate":
                    return self._entry(read_signed(raw), is_applied=False)
                case "decided":
                    return self._decided(raw)
                case "certificate":
                    return self._certificate(Certificate.decode(raw))
                case _:
                    return self._statement(STATEMENTS[kind].decode(raw))
        except Malformed:
            return MALFORMED

    def _entry(self, signed: SignedEntry, *, is_applied: bool) -> Outcome:
        verdict = self.ledger.judge(signed)
        if isinstance(verdict, Effects) and is_applied:
            self.ledger.apply(verdict)
            self.held[signed.account, signed.entry.incarnation, signed.seq] = signed
        return outcome(verdict)

    def _decided(self, raw: bytes) -> Outcome:
        body, votes = codec.items(codec.decode(raw, SIGNED_BYTES_MAX + CERTIFICATE_BYTES_MAX + 16), 2)
        signed = read_signed(codec.blob(body, SIGNED_BYTES_MAX))
        certificate = Certificate.decode(codec.blob(votes, CERTIFICATE_BYTES_MAX))
        judged = self._entry(signed, is_applied=False)
        if judged != ACCEPTED:
            return judged
        verdict = self.ledger.judge_certificate(certificate)
        if isinstance(verdict, Accepted):
            if certificate.place.id != signed.id:
                return TOO_EARLY  # it decides another entry, which is not here
            self._entry(signed, is_applied=True)
            self.ledger.certify(certificate)
        return outcome(verdict)

    def _certificate(self, certificate: Certificate) -> Outcome:
        verdict = self.ledger.judge_certificate(certificate)
        if isinstance(verdict, Accepted) and certificate.place.account != COMMONS:
            self.ledger.certify(certificate)
        elif isinstance(verdict, Overruled):
            self.ledger.rewind(verdict.account, verdict.seq - 1)
        return outcome(verdict)

    def _statement(self, statement: Statement) -> Outcome:
        """Whether it is signed by who it says, and is of this epoch."""
        commons = self.ledger.commons
        if not commons.is_founded:
            return TOO_EARLY
        if isinstance(statement, Vote | Nack) and statement.place.epoch != commons.epoch:
            return CLOSED
        return ACCEPTED if self._is_true(statement) else UNSIGNED

    def _is_true(self, statement: Statement) -> bool:
        commons = self.ledger.commons
        if isinstance(statement, Mark):
            return statement.witness in commons.witnesses and statement.is_genuine(commons.community)
        if isinstance(statement, ForkProof):
            authors = (self._is_authors(signed) for signed in (statement.first, statement.second))
            return statement.is_about_one_place() and all(authors)
        known = statement.witness < len(commons.witnesses)
        return known and statement.is_by(commons.witnesses[statement.witness], commons.community)

    def _is_authors(self, signed: SignedEntry) -> bool:
        commons = self.ledger.commons
        if signed.account == COMMONS:
            if not 1 <= signed.seq <= commons.height + 1:
                return False
            content = ballot_content(signed.seq, signed.round, signed.id)
            stewards = commons.stewards(signed.seq - 1)
            return stewards.is_met(Tag.BALLOT, commons.community, content, signed.signatures)
        member = commons.members.get(signed.account)
        authority = None if member is None else member.authority
        return authority is not None and authority.is_met(Tag.ENTRY, commons.community, signed.body, signed.signatures)

    def balances(self) -> dict[str, int]:
        """The balance of every account as people see it, by number."""
        accounts = (COMMONS, *sorted(self.ledger.commons.members))
        return {str(account): self.ledger.balance(account) for account in accounts}


def outcome(verdict: Effects | Accepted | Duplicate | Waiting | Refused | Fork | Overruled) -> Outcome:
    """A verdict as the stories write it."""
    match verdict:
        case Effects() | Accepted():
            return ACCEPTED
        case Waiting(need):
            return "waiting", need.value
        case Refused(code):
            return "refused", code.word
        case Duplicate():
            return "duplicate", None
        case Fork():
            return "fork", None
        case Overruled():
            return "overruled", None
