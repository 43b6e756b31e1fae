"""Founding a community without a network: keys, journal with the founding entry, and book of one home or of several.

One home: its member is the only steward and, with its node, the only witness. Several: the homes of one organiser,
such as a devnet's, made together so that all of it is ready before the first node starts. Everybody is admitted by the
founding entry as far as it has room; the rest by entries of account 0 that are signed here and decided once the
witnesses run. A founding may be cut short anywhere: until its last step the home is marked as unfinished, and the next
founding in it begins again from nothing.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from node.filesystem import make_private_folder
from node.records import EntryRecord
from node.store import Store, found_store
from node.storelock import StoreLock
from protocol import codec
from protocol.base import (
    BALANCE_MAX,
    COMMONS,
    DECIMALS_MAX,
    ENTRY_BYTES_MAX,
    ENTRY_VERSION,
    HASH_BYTES,
    NAME_BYTES_MAX,
    NO_COMMUNITY,
    OPS_MAX,
    UNIT_BYTES_MAX,
    AccountId,
    CommunityId,
    Signature,
)
from protocol.entry import Entry, SignedEntry, entry_id, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Admit, Charter, CommonsOp, Found, forbidden_code_point, is_handle
from protocol.signing import Authority, SecretKey, Tag, sign
from protocol.statements import ballot_content

from . import keystore
from .accounts import Keyring
from .books.book import Book
from .errors import BadRequest
from .home import Home, refusing
from .keystore import USUAL, Cost, Secrets
from .words import new_entropy

_FRAME_BYTES = 128
"""Room for what stands around the ops in a body."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a community is founded on. Amounts are smallest units."""

    community: str
    unit: str
    decimals: int
    limit: int
    """Every member's credit limit at first."""
    charter: Charter = Charter(version=1, least_send=1, ceiling=0, levy_ppm=0, commons_limit=0)

    def check(self) -> None:
        """Raise BadRequest, naming what no founding entry could say."""
        for words, most, what in ((self.community, NAME_BYTES_MAX, "name"), (self.unit, UNIT_BYTES_MAX, "unit")):
            if not words.strip() or len(words.encode(errors="replace")) > most or forbidden_code_point(words):
                raise BadRequest(f"A community's {what} is plain text of 1 to {most} bytes.", {what: words[:80]})
        if not 0 <= self.decimals <= DECIMALS_MAX:
            raise BadRequest(f"A currency has 0 to {DECIMALS_MAX} decimals.", {"decimals": self.decimals})
        if not 0 <= self.limit <= BALANCE_MAX:
            raise BadRequest("A credit limit is zero or more, and not absurdly large.", {"limit": self.limit})


@dataclass(frozen=True, slots=True)
class Founder:
    """One home that is made with the community, and the members whose accounts lie in it."""

    home: Path
    handles: Sequence[str]
    passphrase: str | None = field(default=None, repr=False)
    is_witness: bool = True
    is_steward: bool = False
    """Its first member is."""
    cost: Cost = USUAL


@dataclass(frozen=True, slots=True)
class Founded:
    """A community that was just founded."""

    community: CommunityId
    members: dict[str, AccountId]
    pending: tuple[SignedEntry, ...] = ()
    """Entries of account 0 with the stewards' ballots, to be decided one after the other once the witnesses run."""


@dataclass(frozen=True, slots=True)
class Party:
    """A founder with its keys, and its open store."""

    founder: Founder
    keys: Keyring
    store: Store


def found(
    home: Path, *, community: str, unit: str, decimals: int, limit: int, handle: str, passphrase: str | None,
    cost: Cost = USUAL,
) -> Founded:  # fmt: skip
    """Found a community in `home`: this member is steward and witness. `limit` is in smallest units.

    None as passphrase leaves the keys unguarded. Raises BadRequest and HomeRefused.
    """
    terms = Terms(community, unit, decimals, limit)
    return found_together(terms, [Founder(home, [handle], passphrase, True, True, cost)], quorum=1)


def found_together(
    terms: Terms, founders: Sequence[Founder], *, quorum: int, threshold: int | None = None, at: int | None = None
) -> Founded:
    """Found a community in several homes at once. The witnesses and stewards are in the order of the founders.

    `threshold` of the stewards sign for account 0, by default more than half. `at` is the time to write into the
    entries. Raises BadRequest, and HomeRefused when a home is in use.
    """
    terms.check()
    handles = [handle for founder in founders for handle in founder.handles]
    check_handles(handles)
    _check_parties(founders, quorum)
    with ExitStack() as ends:
        parties = [settle_in(founder, ends) for founder in founders]
        signers = [party.keys.steward_key(0) for party in parties if party.founder.is_steward]
        witnesses = [party.store.identity.witness_key for party in parties if party.founder.is_witness]
        stewards = Authority(threshold or len(signers) // 2 + 1, tuple(key.public for key in signers))
        first = Found(
            terms.community, terms.unit, terms.decimals, terms.charter, stewards, quorum,
            tuple(key.public for key in witnesses),
        )  # fmt: skip
        batches = _batches(first, admits(parties, terms.limit))
        now = int(time.time()) if at is None else at
        entry = founding_entry(next(batches), now)
        founding = sealed_founding(entry, founding_signatures(entry, [*signers, *witnesses]))
        _write(parties, founding)
        pending = _later_entries(founding, list(batches), now, signers[: stewards.threshold])
    numbers = {handle: AccountId(number) for number, handle in enumerate(handles, 1)}
    return Founded(CommunityId(founding.id), numbers, pending)


def check_handles(handles: Sequence[str]) -> None:
    """Raise BadRequest for a handle that nobody can have, or two members have."""
    for handle in handles:
        if not is_handle(handle):
            rule = "A handle is 2 to 31 of a-z, 0-9 and -, does not begin with -, and is not commons."
            raise BadRequest(rule, {"handle": handle[:40]})
    if len(set(handles)) != len(handles):
        raise BadRequest("Two members have the same handle.")


def _check_parties(founders: Sequence[Founder], quorum: int) -> None:
    witnesses = sum(founder.is_witness for founder in founders)
    if not any(founder.is_steward for founder in founders) or not 1 <= quorum <= witnesses < 2 * quorum:
        raise BadRequest("There must be a steward, and a quorum of more than half of the witnesses.")
    if not all(founder.handles for founder in founders):
        raise BadRequest("Every home needs a member.")
    for founder in founders:
        Home(founder.home).require_unused()


def settle_in(founder: Founder, ends: ExitStack) -> Party:
    """Make one home with its keys, keeping others out of it until `ends`. Raises HomeRefused.

    The node's own two keys are random and never from the words.
    """
    home = Home(founder.home)
    with refusing():
        make_private_folder(home.run)
        ends.callback(StoreLock(home.run).release)
        home.begin()
        store = found_store(founder.home)
        ends.callback(store.journal.close)
    entropy = new_entropy()
    keystore.save(home, Secrets(entropy, len(founder.handles)), founder.passphrase, founder.cost)
    return Party(founder, Keyring(entropy), store)


def admits(parties: Iterable[Party], limit: int) -> list[Admit]:
    listed = [(party.keys.authority(n), handle) for party in parties for n, handle in enumerate(party.founder.handles)]
    return [Admit(AccountId(n), handle, authority, limit) for n, (authority, handle) in enumerate(listed, 1)]


def _batches(first: Found, admits: Iterable[Admit]) -> Iterator[list[CommonsOp]]:
    """The ops of as many entries as are needed, each within the size of an entry."""
    batch: list[CommonsOp] = [first]
    size = _FRAME_BYTES + len(codec.encode(first.plain()))
    for admit in admits:
        grown = len(codec.encode(admit.plain()))
        if size + grown > ENTRY_BYTES_MAX or len(batch) >= OPS_MAX:
            yield batch
            batch, size = [], _FRAME_BYTES
        batch.append(admit)
        size += grown
    yield batch


def founding_entry(ops: Sequence[CommonsOp], now: int) -> Entry:
    """The founding entry, to be signed by all stewards and then all witnesses it names."""
    return Entry(ENTRY_VERSION, COMMONS, 0, 0, bytes(HASH_BYTES), 0, now, tuple(ops))


def founding_signatures(entry: Entry, keys: Sequence[SecretKey]) -> list[Signature]:
    """What each of these keys signs under it."""
    body = entry.encode()
    return [sign(key, Tag.ENTRY, NO_COMMUNITY, body) for key in keys]


def sealed_founding(entry: Entry, signatures: Sequence[Signature]) -> SignedEntry:
    """The entry with everybody's signature, in order. Raises BadRequest when the rules do not take it."""
    signed = sealed(entry, tuple(enumerate(signatures)))
    verdict = Ledger().judge(signed)
    if not isinstance(verdict, Effects):
        raise BadRequest(f"No community can be founded like this: {getattr(verdict, 'facts', verdict)}.")
    return signed


def _write(parties: Iterable[Party], founding: SignedEntry) -> None:
    """Put the founding entry into each journal, and make each book; then the home is founded."""
    number = 1
    for party in parties:
        write_home(party, founding, number)
        Home(party.founder.home).finish()
        number += len(party.founder.handles)


def write_home(party: Party, founding: SignedEntry, number: int) -> None:
    """Put the founding entry into one journal, and make the book of accounts from `number` on, durably."""
    party.store.journal.append([EntryRecord(founding)])
    accounts = [(AccountId(number + ordinal), ordinal) for ordinal in range(len(party.founder.handles))]
    Book.create(Home(party.founder.home).book, CommunityId(founding.id), accounts)


def _later_entries(
    founding: SignedEntry, batches: Sequence[Sequence[CommonsOp]], now: int, signers: Sequence[SecretKey]
) -> tuple[SignedEntry, ...]:
    """Entries of account 0 after the founding one, with ballots for their first round."""
    written: list[SignedEntry] = []
    prev = founding.id
    for seq, ops in enumerate(batches, 1):
        entry = Entry(ENTRY_VERSION, COMMONS, 0, seq, prev, seq - 1, now, tuple(ops))
        prev = entry_id(entry.encode())
        content = ballot_content(seq, 0, prev)
        ballots = tuple((n, sign(key, Tag.BALLOT, CommunityId(founding.id), content)) for n, key in enumerate(signers))
        written.append(sealed(entry, ballots))
    return tuple(written)
