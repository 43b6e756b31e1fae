"""A community without sockets: homes on disk with real keys and books, nodes in memory with real ledgers.

A `Village` stands for the witnesses and the wires between nodes. Its witnesses vote for what they saw first at a place
and hold real leases; it can be made silent, and what was held back is certified when it speaks again. Nothing is mocked
in the wallets.
"""

import atexit
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp

import trio

from node.standing import Standing
from node.store import open_store
from protocol.base import COMMONS, AccountId, CommunityId, EntryId, Signature
from protocol.entry import SignedEntry, read_signed
from protocol.lease import Leases
from protocol.ledger import Effects, Ledger
from protocol.messages import AskHead, Head, Position
from protocol.ops import Charter, Send
from protocol.signing import SecretKey, Tag, sign, verify
from protocol.statements import Certificate, Place, Vote, gather
from protocol.verdict import Accepted, Duplicate, Fork, Refused, Verdict, Waiting
from wallet.founding import Founder, Terms, found_together
from wallet.home import Home
from wallet.keystore import FLOOR
from wallet.service import Wallet, run_wallet

PLAIN = Charter(version=1, least_send=1, ceiling=0, levy_ppm=0, commons_limit=0)


class Shelf:
    """A journal in memory."""

    def __init__(self) -> None:
        self.kept: list[SignedEntry] = []

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> list[SignedEntry]:
        mine = (s for s in self.kept if s.account == account and s.entry.incarnation == incarnation)
        return sorted((s for s in mine if first <= s.seq <= last), key=lambda signed: signed.seq)

    def by_id(self, id: EntryId) -> SignedEntry | None:
        return next((signed for signed in self.kept if signed.id == id), None)


class VillageNode:
    """One node: a real ledger behind the wallet's port."""

    def __init__(self, village: "Village") -> None:
        self.village = village
        self.ledger = Ledger()
        self.journal = Shelf()
        self.hosted: set[AccountId] = set()
        self.conflicts: set[EntryId] = set()
        self.enter(village.founding)

    def enter(self, signed: SignedEntry) -> Verdict:
        verdict = self.ledger.judge(signed)
        if isinstance(verdict, Effects):
            self.ledger.apply(verdict)
            self.journal.kept.append(signed)
            return Accepted()
        return verdict

    def certify(self, signed: SignedEntry, certificate: Certificate) -> None:
        self.enter(signed)
        verdict = self.ledger.judge_certificate(certificate)
        if isinstance(verdict, Accepted):
            self.ledger.certify(certificate)

    def check_open(self) -> None:
        return

    def host(self, accounts: Iterable[AccountId]) -> None:
        self.hosted |= set(accounts)

    async def pay_in(self, signed_raw: bytes, instance: bytes = b"") -> Verdict:
        await trio.lowlevel.checkpoint()
        signed = read_signed(signed_raw)
        verdict = self.enter(signed)
        if isinstance(verdict, Accepted | Duplicate):
            self.village.submit(self, signed, instance)
        elif isinstance(verdict, Fork | Refused | Waiting):
            self.conflicts.add(signed.id)
        return verdict

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        done = {wanted, Standing.SEEN, Standing.CONFLICT}
        with trio.move_on_after(timeout_s):
            while self.state_of(account, seq, id) not in done:
                await self.village.moved.wait()
        return self.state_of(account, seq, id)

    async def ask_heads(
        self, account: AccountId, instance: bytes, previous: bytes, signatures: Sequence[Signature]
    ) -> Sequence[Head]:
        await trio.lowlevel.checkpoint()
        return self.village.heads(account, instance, previous, signatures)

    def final_on_disk(self, account: AccountId) -> int:
        chain = self.ledger.chain(account)
        return -1 if chain is None else chain.final_seq

    def state_of(self, account: AccountId, seq: int, id: EntryId) -> Standing:
        chain = self.ledger.chain(account)
        if id in self.conflicts or id in self.village.refused:
            return Standing.CONFLICT
        if chain is None or chain.final_seq < seq or self.ledger.id_at(account, 0, seq) != id:
            return Standing.RECORDED
        signed = self.journal.by_id(id)
        payees = {op.to for op in signed.entry.ops if isinstance(op, Send)} if signed is not None else set()
        seen = any(payees & node.hosted for node in self.village.nodes if not self.village.is_silent)
        return Standing.SEEN if seen else Standing.FINAL


class Village:
    """The witnesses, and all that lies between the nodes."""

    def __init__(self, founding: SignedEntry, witnesses: Sequence[SecretKey]) -> None:
        self.founding = founding
        self.community = CommunityId(founding.id)
        self.witnesses = witnesses
        self.leases = [Leases() for _ in witnesses]
        self.now = 1000.0
        """What the clocks of witnesses and signers show."""
        self.is_silent = False
        self.moved = trio.Event()
        self.refused: set[EntryId] = set()
        self.signed: dict[tuple[AccountId, int], set[EntryId]] = {}
        """All that ever left a wallet, by place: more than one id is a fork."""
        self._voted: dict[tuple[AccountId, int], SignedEntry] = {}
        self._held_back: list[tuple[SignedEntry, bytes]] = []
        self._number = 0
        self.nodes: list[VillageNode] = []

    def node(self) -> VillageNode:
        """A new node that holds all that is certified."""
        node = VillageNode(self)
        for other in self.nodes[:1]:
            for signed in other.journal.kept[1:]:
                chain = other.ledger.chain(signed.account)
                if chain is not None and signed.seq <= chain.final_seq:
                    node.certify(signed, self._certificate(signed))
        self.nodes.append(node)
        return node

    def submit(self, node: VillageNode, signed: SignedEntry, instance: bytes) -> None:
        self.signed.setdefault((signed.account, signed.seq), set()).add(signed.id)
        if self.is_silent:
            self._held_back.append((signed, instance))
            return
        self._vote(signed, instance)

    def lose(self) -> None:
        """What was on its way is lost, as when a process is killed; the witnesses answer again."""
        self._held_back.clear()
        self.is_silent = False

    def speak(self) -> None:
        """The witnesses answer again, and vote for what was held back."""
        self.is_silent = False
        held_back, self._held_back = self._held_back, []
        for signed, instance in held_back:
            self._vote(signed, instance)

    def _vote(self, signed: SignedEntry, instance: bytes) -> None:
        granted = [lease.may_submit(signed.account, instance, self.now) for lease in self.leases]
        if not all(granted) or self._voted.setdefault((signed.account, signed.seq), signed).id != signed.id:
            self.refused.add(signed.id)
        else:
            certificate = self._certificate(signed)
            for node in self.nodes:
                node.certify(signed, certificate)
        self._wake()

    def _wake(self) -> None:
        self.moved.set()
        self.moved = trio.Event()

    def _certificate(self, signed: SignedEntry) -> Certificate:
        place = Place(0, signed.account, signed.entry.incarnation, signed.seq, signed.id)
        return gather([self._ballot(place, index, key) for index, key in enumerate(self.witnesses)])

    def _ballot(self, place: Place, index: int, key: SecretKey) -> Vote:
        self._number += 1
        content = place.content(self._number)
        tag = Tag.COMMIT if place.account == COMMONS else Tag.VOTE
        return Vote(tag, place, index, self._number, sign(key, tag, self.community, content))

    def heads(
        self, account: AccountId, instance: bytes, previous: bytes, signatures: Sequence[Signature]
    ) -> list[Head]:
        """What the witnesses answer: the newest entry that any of them voted for, and the lease."""
        if self.is_silent:
            return []
        (key,) = self.nodes[0].ledger.commons.members[account].authority.keys
        for witness, signature in zip(self.witnesses, signatures, strict=True):
            content = AskHead.content(witness.public, account, instance, previous)
            assert verify(key, Tag.INSTANCE, self.community, content, signature)
        voted = [signed for (voter, _), signed in self._voted.items() if voter == account]
        newest = max(voted, key=lambda signed: signed.seq, default=None)
        head = None if newest is None else Position(account, newest.entry.incarnation, newest.seq, newest.id)
        final = 0 if newest is None else newest.seq + 1
        return [
            Head(index, lease.ask(account, instance, previous, self.now), head, final)
            for index, lease in enumerate(self.leases)
        ]

    def forks(self) -> list[tuple[AccountId, int]]:
        """Places for which a wallet signed two bodies."""
        return [place for place, ids in self.signed.items() if len(ids) > 1]


_FOUNDED: dict[str, tuple[Path, SignedEntry, list[SecretKey]]] = {}
"""Founding syncs many files, so each kind of village is founded once and copied."""


def settle(folder: Path, homes: dict[str, Sequence[str]], *, limit: int = 100, charter: Charter = PLAIN,
           passphrase: str | None = None) -> Village:  # fmt: skip
    """Found a village: homes by name with their members; four homes at most are witnesses, the first is steward."""
    kind = repr((homes, limit, charter, passphrase))
    if kind not in _FOUNDED:
        place = Path(mkdtemp(prefix="village-"))
        atexit.register(shutil.rmtree, place)
        founders = [
            Founder(place / name, handles, passphrase, is_witness=n < 4, is_steward=n == 0, cost=FLOOR)
            for n, (name, handles) in enumerate(homes.items())
        ]
        quorum = min(4, len(founders)) // 2 + 1
        found_together(Terms("Testville", "hours", 2, limit, charter), founders, quorum=quorum, at=1)
        _FOUNDED[kind] = place, *_record(founders)
    place, founding, keys = _FOUNDED[kind]
    for name in homes:
        shutil.copytree(place / name, folder / name)
    return Village(founding, keys[:4])


def _record(founders: Sequence[Founder]) -> tuple[SignedEntry, list[SecretKey]]:
    """The founding entry, and the witness key of each home."""
    stores = [open_store(founder.home) for founder in founders]
    (founding,) = stores[0].journal.entry(COMMONS, 0, 0)
    for store in stores:
        store.journal.close()
    return founding, [store.identity.witness_key for store in stores]


@asynccontextmanager
async def running(home: Path, node: VillageNode) -> AsyncIterator[Wallet]:
    """The wallet of a home over a node, ended politely."""
    async with trio.open_nursery() as nursery:
        wallet: Wallet = await nursery.start(run_wallet, Home(home), node, lambda: node.village.now)
        yield wallet
        nursery.cancel_scope.cancel()
