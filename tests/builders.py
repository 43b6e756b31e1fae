"""The vocabulary of all tests: keys from names, a founded community, signed entries, votes and certificates.

Nothing here judges anything. A `Town` only knows how to write: it keeps the head of each author so that a test can
say `town.write("ana", Send(town["ben"], 10))`, and it can write anything else too, valid or not, with `town.sign`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from protocol.base import COMMONS, ENTRY_VERSION, NO_COMMUNITY, AccountId, Amount, CommunityId, EntryId, Signature
from protocol.entry import Entry, SignedEntry, entry_id, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Admit, Charge, Charter, CommonsOp, Found, Note, Op, Open, Send, Stewards
from protocol.signing import Authority, SecretKey, Tag, sign
from protocol.statements import Certificate, Place, Vote, acceptance_content, ballot_content, gather
from protocol.verdict import Accepted

PLAIN_CHARTER = Charter(version=1, least_send=1, ceiling=0, levy_ppm=0, commons_limit=0)
"""No levy, no ceiling, a commons that may not go below zero."""


def key(name: str) -> SecretKey:
    """The key that everybody in the tests has under this name."""
    return SecretKey.from_seed(blake2b(name.encode(), digest_size=32, person=b"tests: a key").digest())


def authority(*names: str, threshold: int | None = None) -> Authority:
    """k of the keys of these names; all of them unless `threshold` says otherwise."""
    return Authority(threshold or len(names), tuple(key(name).public for name in names))


def send(to: AccountId, amount: int, note: Note = None) -> Send:
    """The op that pays."""
    return Send(to, Amount(amount), note)


def charge(payer: AccountId, payee: AccountId, amount: int, reason: str = "dues") -> Charge:
    """The op that charges a member, or gives one something out of the commons."""
    return Charge(payer, payee, Amount(amount), reason)


def signatures(
    keys: Sequence[tuple[int, SecretKey]], tag: Tag, community: CommunityId, content: bytes
) -> tuple[tuple[int, Signature], ...]:
    """Sign `content` with each of the (index, key)s."""
    return tuple((index, sign(secret, tag, community, content)) for index, secret in keys)


def stewards_op(community: CommunityId, *names: str, threshold: int | None = None) -> Stewards:
    """The op that names these stewards, with everybody's acceptance."""
    named = authority(*names, threshold=threshold)
    keys = [(index, key(name)) for index, name in enumerate(names)]
    content = acceptance_content(named.threshold, named.keys)
    return Stewards(named, signatures(keys, Tag.ACCEPT, community, content))


@dataclass
class Town:
    """A founded community and everybody's keys. Members are numbered from 1 in the order of `members`."""

    founding: SignedEntry
    members: list[str]
    stewards: tuple[str, ...]
    threshold: int
    witnesses: tuple[SecretKey, ...]
    quorum: int
    heads: dict[AccountId, tuple[int, bytes, int]] = field(default_factory=dict)
    """What each author wrote last: (seq, id, height)."""
    numbers: dict[int, int] = field(default_factory=dict)
    """The next vote number of each witness."""

    @property
    def community(self) -> CommunityId:
        return CommunityId(self.founding.id)

    @property
    def height(self) -> int:
        """Newest seq of account 0 that was written here."""
        return self.heads[COMMONS][0]

    def __getitem__(self, name: str) -> AccountId:
        return AccountId(self.members.index(name) + 1)

    def sign(self, account: AccountId, seq: int, prev: bytes, height: int, *ops: Op, by: Sequence[str] = (),
             incarnation: int = 0, version: int = ENTRY_VERSION, time: int = 0) -> SignedEntry:  # fmt: skip
        """Write any member's entry at all, signed by the keys `by` (by default the member's own); moves no head."""
        names = by or (self.members[account - 1],)
        entry = Entry(version, account, incarnation, seq, prev, height, time, ops)
        keys = [(index, key(name)) for index, name in enumerate(names)]
        return sealed(entry, signatures(keys, Tag.ENTRY, self.community, entry.encode()))

    def draft(self, name: str, *ops: Op, height: int | None = None, time: int = 0) -> SignedEntry:
        """The next entry of `name`, signed; the head stays where it is (write a rival or an invalid entry so)."""
        seq, prev, cited = self.heads.get(self[name], (-1, self.community, 0))
        return self.sign(self[name], seq + 1, prev, max(cited, self.height) if height is None else height, *ops,
                         time=time)  # fmt: skip

    def write(self, name: str, *ops: Op, height: int | None = None, time: int = 0) -> SignedEntry:
        """The next entry of `name`, signed, and its head moves to it."""
        return self.keep(self.draft(name, *ops, height=height, time=time))

    def keep(self, signed: SignedEntry) -> SignedEntry:
        """Make this entry its author's head."""
        self.heads[signed.account] = (signed.seq, signed.id, signed.entry.height)
        return signed

    def open(self, name: str, *more: Op) -> SignedEntry:
        """The first entry of `name`."""
        return self.write(name, Open(authority(name), authority(name + " next").hash()), *more)

    def propose(self, *ops: Op, round: int = 0, by: Sequence[int] | None = None) -> SignedEntry:
        """The next entry of account 0 with ballots of that round; moves no head. `by` are indices of stewards."""
        seq, prev, _ = self.heads[COMMONS]
        entry = Entry(ENTRY_VERSION, COMMONS, 0, seq + 1, prev, seq, 0, ops)
        return self.ballots(entry, round, range(self.threshold) if by is None else by)

    def ballots(self, entry: Entry, round: int, by: Sequence[int]) -> SignedEntry:
        """Put ballots of these stewards under any entry of account 0."""
        content = ballot_content(entry.seq, round, entry_id(entry.encode()))
        keys = [(index, key(self.stewards[index])) for index in by]
        return sealed(entry, signatures(keys, Tag.BALLOT, self.community, content), round)

    def decide(self, *ops: Op, round: int = 0) -> tuple[SignedEntry, Certificate]:
        """The next entry of account 0 with the commits that decide it; the head moves to it."""
        signed = self.keep(self.propose(*ops, round=round))
        return signed, self.certificate(signed)

    def admit(self, name: str, limit: int = 100) -> Admit:
        """The op that makes `name` the next member."""
        self.members.append(name)
        return Admit(self[name], name, authority(name), limit)

    def place(self, signed: SignedEntry) -> Place:
        """What votes for this entry are about."""
        incarnation = signed.round if signed.account == COMMONS else signed.entry.incarnation
        return Place(0, signed.account, incarnation, signed.seq, EntryId(signed.id))

    def vote(self, place: Place, witness: int, tag: Tag = Tag.VOTE) -> Vote:
        """The next vote (or commit) of that witness, for anything at all."""
        number = self.numbers.get(witness, 0)
        self.numbers[witness] = number + 1
        signature = sign(self.witnesses[witness], tag, self.community, place.content(number))
        return Vote(tag, place, witness, number, signature)

    def certificate(self, signed: SignedEntry, by: Sequence[int] | None = None) -> Certificate:
        """The certificate of this entry, by default of the first q witnesses."""
        tag = Tag.COMMIT if signed.account == COMMONS else Tag.VOTE
        chosen = range(self.quorum) if by is None else by
        return gather([self.vote(self.place(signed), witness, tag) for witness in chosen])


def found(*names: str, limit: int = 100, witnesses: int = 1, quorum: int | None = None,
          stewards: Sequence[str] = ("steward",), threshold: int | None = None, charter: Charter = PLAIN_CHARTER,
          ops: Sequence[CommonsOp] = ()) -> Town:  # fmt: skip
    """Found a town whose members are these names, each with that credit limit, and admitted by the founding entry."""
    sitting = tuple(key(f"witness {index}") for index in range(witnesses))
    quorum = quorum or witnesses // 2 + 1
    board = authority(*stewards, threshold=threshold)
    first = Found("Testville", "hours", 2, charter, board, quorum, tuple(secret.public for secret in sitting))
    admits = [Admit(AccountId(index + 1), name, authority(name), limit) for index, name in enumerate(names)]
    entry = Entry(ENTRY_VERSION, COMMONS, 0, 0, bytes(32), 0, 0, (first, *admits, *ops))
    keys = list(enumerate((*(key(name) for name in stewards), *sitting)))
    founding = sealed(entry, signatures(keys, Tag.ENTRY, NO_COMMUNITY, entry.encode()))
    town = Town(founding, list(names), tuple(stewards), board.threshold, sitting, quorum)
    town.keep(founding)
    return town


def accept(ledger: Ledger, signed: SignedEntry) -> SignedEntry:
    """Judge an entry that must be valid, and apply it."""
    effects = ledger.judge(signed)
    assert isinstance(effects, Effects), effects
    ledger.apply(effects)
    return signed


def confirm(ledger: Ledger, certificate: Certificate) -> Certificate:
    """Judge a certificate that must be valid, and make its entry final."""
    verdict = ledger.judge_certificate(certificate)
    assert verdict == Accepted(), verdict
    ledger.certify(certificate)
    return certificate


def settle(ledger: Ledger, town: Town, signed: SignedEntry) -> SignedEntry:
    """Accept an entry and make it final."""
    accept(ledger, signed)
    confirm(ledger, town.certificate(signed))
    return signed


def decide(ledger: Ledger, town: Town, *ops: Op) -> SignedEntry:
    """Write, decide and apply the next entry of account 0."""
    signed, certificate = town.decide(*ops)
    accept(ledger, signed)
    ledger.certify(certificate)
    return signed


def opened(town: Town, *names: str) -> Ledger:
    """A ledger of the town in which these members (by default all) have opened their accounts, finally."""
    ledger = Ledger()
    accept(ledger, town.founding)
    for name in names or tuple(town.members):
        settle(ledger, town, town.open(name))
    return ledger
