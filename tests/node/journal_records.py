"""Records to fill a journal with: right in shape, one after the other on a few chains, signed by nobody.

A journal does not judge, so these are enough for it; seeded, so that a failure comes again.
"""

import random

from node.records import (
    BallotRecord,
    CertificateRecord,
    DeadRecord,
    EntryRecord,
    ForkRecord,
    MarkRecord,
    Record,
    RivalRecord,
    RoundRecord,
    VoteRecord,
    WitnessRecord,
)
from protocol.base import COMMONS, AccountId, Amount, EntryId, PublicKey, Signature
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ops import Recv, Send
from protocol.signing import Tag
from protocol.statements import Certificate, ForkProof, Mark, Place, Vote

TIME = 1_790_000_000
HEIGHT = 1_500


class Chains:
    """Writes the next entry of any of `members` accounts, and statements about entries."""

    def __init__(self, seed: int = 1, members: int = 50) -> None:
        self.rng = random.Random(seed)
        self.members = members
        self.heads: dict[int, SignedEntry] = {}
        self.number = 1_000

    def signature(self) -> Signature:
        return Signature(self.rng.randbytes(64))

    def id(self) -> EntryId:
        return EntryId(self.rng.randbytes(32))

    def entry(self, account: int | None = None, *, keys: int = 1) -> SignedEntry:
        """The next payment of one account: takes in what one payer sent, pays another."""
        account = account or self.rng.randint(1, self.members)
        head = self.heads.get(account)
        seq, prev = (head.seq + 1, head.id) if head else (1, self.id())
        taken = Recv(AccountId(account % self.members + 1), 0, seq + 30, Amount(123_456 + 1_250 * seq))
        paid = Send(AccountId((account + 1) % self.members + 1), Amount(1_250))
        entry = Entry(1, AccountId(account), 0, seq, prev, HEIGHT, TIME + seq, (taken, paid))
        self.heads[account] = sealed(entry, tuple((index, self.signature()) for index in range(keys)))
        return self.heads[account]

    def decided(self, seq: int, round: int = 0) -> SignedEntry:
        """An entry of account 0 with two ballots."""
        entry = Entry(1, COMMONS, 0, seq, self.id(), seq - 1, TIME, ())
        return sealed(entry, ((0, self.signature()), (2, self.signature())), round)

    def place(self, signed: SignedEntry) -> Place:
        """What a vote for `signed` is about."""
        incarnation = signed.round if signed.account == COMMONS else signed.entry.incarnation
        return Place(0, signed.account, incarnation, signed.seq, signed.id)

    def vote(self, signed: SignedEntry, tag: Tag = Tag.VOTE, witness: int = 0) -> Vote:
        self.number += 1
        return Vote(tag, self.place(signed), witness, self.number, self.signature())

    def certificate(self, signed: SignedEntry, votes: int = 3) -> Certificate:
        self.number += 1
        return Certificate(
            self.place(signed), tuple((witness, self.number, self.signature()) for witness in range(votes))
        )

    def payment(self) -> list[Record]:
        """What every node keeps of one payment: the entry, and its certificate of three votes."""
        signed = self.entry()
        return [EntryRecord(signed), CertificateRecord(self.certificate(signed))]

    def payments(self, count: int) -> list[Record]:
        return [record for _ in range(count) for record in self.payment()]


def one_of_each(chains: Chains) -> list[Record]:
    """Records of every kind and every form that a kind has."""
    plain, joint, founding = chains.entry(1), chains.entry(2, keys=3), chains.decided(1, round=4)
    mark = Mark(PublicKey(chains.rng.randbytes(32)), 128, chains.signature())
    return [
        WitnessRecord(PublicKey(chains.rng.randbytes(32))),
        EntryRecord(founding),
        CertificateRecord(chains.certificate(founding)),
        MarkRecord(mark, own=True),
        MarkRecord(mark, own=False),
        EntryRecord(plain),
        VoteRecord(chains.vote(plain)),
        CertificateRecord(chains.certificate(plain)),
        EntryRecord(joint),
        VoteRecord(chains.vote(joint, witness=15)),
        CertificateRecord(chains.certificate(joint, votes=16)),
        BallotRecord(chains.decided(2, round=1)),
        VoteRecord(chains.vote(chains.decided(2, round=1))),
        RoundRecord(chains.certificate(chains.decided(2, round=1))),
        VoteRecord(chains.vote(chains.decided(2, round=1), Tag.COMMIT)),
        ForkRecord(ForkProof(plain, joint)),
        RivalRecord(joint),
        DeadRecord("another store votes with this key"),
    ]
