"""A community in memory for the bench: keys from numbers, a founding entry, and a real door over a real journal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import trio

from node.bookkeeper import Bookkeeper
from node.journal import Journal
from node.rebuilding import rebuild
from node.records import EntryRecord
from protocol.base import COMMONS, ENTRY_VERSION, NO_COMMUNITY, AccountId, CommunityId
from protocol.compose import Wish, compose
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ledger import Ledger
from protocol.messages import Bundle
from protocol.ops import Admit, Charter, Found, Open
from protocol.signing import Authority, SecretKey, Tag, sign
from protocol.statements import Certificate, Place, Vote, gather

LIMIT = 10**9
QUORUM = 3
WITNESSES = 4


def key_of(name: str) -> SecretKey:
    """The key that this name always has in the bench. Worth nothing anywhere else."""
    return SecretKey.from_seed(blake2b(name.encode(), digest_size=32, person=b"tally bench").digest())


@dataclass(eq=False, slots=True)
class Town:
    """Everybody's keys, and what the witnesses of the town would say."""

    founding: SignedEntry
    keys: dict[AccountId, SecretKey]
    witnesses: tuple[SecretKey, ...]
    votes: int = 0

    @property
    def community(self) -> CommunityId:
        return CommunityId(self.founding.id)

    def sign(self, entry: Entry) -> SignedEntry:
        """Sign a member's entry."""
        body = entry.encode()
        return sealed(entry, ((0, sign(self.keys[entry.account], Tag.ENTRY, self.community, body)),))

    def open(self, account: AccountId) -> SignedEntry:
        """The first entry of a member."""
        authority = Authority(1, (self.keys[account].public,))
        op = Open(authority, authority.hash())
        return self.sign(Entry(ENTRY_VERSION, account, 0, 0, self.community, 0, 0, (op,)))

    def pay(self, ledger: Ledger, payer: AccountId, payee: AccountId, amount: int) -> SignedEntry:
        """The payer's next entry: it takes in what is in flight, and pays."""
        entry = compose(ledger, payer, [Wish(payee, amount)], time=1_760_000_000)
        if not isinstance(entry, Entry):
            raise AssertionError(f"the bench's payment was refused: {entry}")
        return self.sign(entry)

    def certificate(self, signed: SignedEntry) -> Certificate:
        """q votes for an entry."""
        place = Place(0, signed.account, 0, signed.seq, signed.id)
        votes = []
        for witness in range(QUORUM):
            self.votes += 1
            signature = sign(self.witnesses[witness], Tag.VOTE, self.community, place.content(self.votes))
            votes.append(Vote(Tag.VOTE, place, witness, self.votes, signature))
        return gather(votes)


def found_town(members: int) -> Town:
    """A town of that many members (at most 60, so that the founding entry holds them)."""
    keys = {AccountId(number): key_of(f"member {number}") for number in range(1, members + 1)}
    steward = key_of("steward")
    witnesses = tuple(key_of(f"witness {number}") for number in range(WITNESSES))
    charter = Charter(version=1, least_send=1, ceiling=0, levy_ppm=0, commons_limit=0)
    first = Found(
        "Bench", "hours", 2, charter, Authority(1, (steward.public,)), QUORUM, tuple(key.public for key in witnesses)
    )
    admits = [Admit(number, f"member-{number}", Authority(1, (key.public,)), LIMIT) for number, key in keys.items()]
    entry = Entry(ENTRY_VERSION, COMMONS, 0, 0, bytes(32), 0, 0, (first, *admits))
    signers = enumerate((steward, *witnesses))
    body = entry.encode()
    return Town(
        sealed(entry, tuple((at, sign(key, Tag.ENTRY, NO_COMMUNITY, body)) for at, key in signers)), keys, witnesses
    )


@asynccontextmanager
async def door_of(town: Town, folder: Path) -> AsyncIterator[Bookkeeper]:
    """A node's door in which every member's account is open and final; its writer runs meanwhile."""
    folder.mkdir(mode=0o700)
    journal = Journal.open(folder / "journal", create=True)
    try:
        journal.append([EntryRecord(town.founding)])
        door = Bookkeeper(rebuild(journal), journal)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.write)
            opened = [town.open(account) for account in town.keys]
            await door.submit(Bundle(tuple(opened), tuple(town.certificate(signed) for signed in opened)))
            yield door
            nursery.cancel_scope.cancel()
    finally:
        journal.close()
