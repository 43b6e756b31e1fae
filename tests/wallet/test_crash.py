"""A crash between any two steps: the same ref is the same payment, and no place is ever signed twice.

The process is ended by an exception that nothing here catches, at each step of a payment in turn. What the node's
journal had not committed by then is gone, however final it was in memory; then the home is opened again as it lies on
the disk, and the payment is asked for again with its ref.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import trio

from node.standing import Standing
from protocol.base import COMMONS, AccountId, EntryId, Signature
from protocol.entry import SignedEntry
from protocol.messages import Head
from protocol.verdict import Verdict
from wallet import desk
from wallet.books.book import Book, Signing
from wallet.books.clerk import Clerk
from wallet.errors import BookFailed

from .village import Village, VillageNode, running, settle

ANA, BEN = AccountId(1), AccountId(2)
STEPS = (
    "before asking", "after asking", "before composing", "before signing", "after signing", "before the commit",
    "after the commit", "before it is told", "before handing in", "after handing in", "before it is final",
)  # fmt: skip


class Crash(BaseException):
    """The process is gone."""


class Saboteur:
    """Ends the process the n-th time that it comes to a step."""

    def __init__(self, step: str, countdown: int) -> None:
        self.step, self.countdown, self.met = step, countdown, False

    def at(self, step: str) -> None:
        if step == self.step:
            self.countdown -= 1
            if self.countdown == 0:
                self.met = True
                raise Crash(step)


COMMITS = {"at once": 1, "every third time": 3, "too late": 1_000}
"""How often the journal commits: each so many steps of the door."""


class FragileNode(VillageNode):
    """A node in whose calls the process can end, with a disk apart from its memory.

    As a real journal it commits several entries and certificates together, and only what comes without an instance at
    once: the book holds the rest.
    """

    saboteur: Saboteur | None = None

    def __init__(self, village: Village, every: int) -> None:
        self._every, self._steps = every, 0
        self._disk: list[tuple[SignedEntry, bool]] = []
        """Each entry on the disk, and whether its certificate is there too."""
        super().__init__(village)

    def _commit(self) -> None:
        self._disk = [(signed, signed.seq <= self._final(signed.account)) for signed in self.journal.kept]

    def _final(self, account: AccountId) -> int:
        chain = self.ledger.chain(account)
        return -1 if chain is None else chain.final_seq

    def enter(self, signed: SignedEntry) -> Verdict:
        verdict = super().enter(signed)
        self._steps += 1
        if self._steps % self._every == 0:
            self._commit()
        return verdict

    def final_on_disk(self, account: AccountId) -> int:
        return max((signed.seq for signed, final in self._disk if final and signed.account == account), default=-1)

    def started_again(self) -> "FragileNode":
        """The node that finds what this one left on the disk, in its place in the village."""
        found = FragileNode(self.village, self._every)
        for signed, is_final in self._disk:
            if signed.account == COMMONS:
                continue  # the founding entry, which every node begins with
            if is_final:
                found.certify(signed, self.village._certificate(signed))
            else:
                found.enter(signed)
        found._commit()
        self.village.nodes[self.village.nodes.index(self)] = found
        return found

    def _at(self, step: str) -> None:
        if self.saboteur is not None:
            self.saboteur.at(step)

    async def pay_in(self, signed_raw: bytes, instance: bytes = b"") -> Verdict:
        self._at("before handing in")
        verdict = await super().pay_in(signed_raw, instance)
        if not instance:
            self._commit()
        self._at("after handing in")
        return verdict

    async def ask_heads(
        self, account: AccountId, instance: bytes, previous: bytes, signatures: Sequence[Signature]
    ) -> list[Head]:
        self._at("before asking")
        answers = list(await super().ask_heads(account, instance, previous, signatures))
        self._at("after asking")
        return answers

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        self._at("before it is final")
        return await super().wait_for(account, seq, id, wanted, timeout_s)


def sabotage(monkeypatch: pytest.MonkeyPatch, saboteur: Saboteur) -> None:
    """Put the steps that lie inside the wallet under the saboteur's hand."""

    def around(owner: object, name: str, before: str | None, after: str | None = None) -> None:
        really: Callable[..., object] = getattr(owner, name)

        def step(*arguments: object, **named: object) -> object:
            if before is not None:
                saboteur.at(before)
            result = really(*arguments, **named)
            if after is not None:
                saboteur.at(after)
            return result

        monkeypatch.setattr(owner, name, step)

    around(desk, "compose", "before composing", "before signing")
    around(desk, "payment_rows", "after signing")
    around(Book, "commit", "before the commit", "after the commit")
    around(Book, "note", "before it is told")


async def life(village: Village, home: Path, node: FragileNode, refs: list[str]) -> dict[str, str]:
    """Pay each ref until the process ends; returns the ids that were told."""
    told: dict[str, str] = {}
    try:
        async with running(home, node) as wallet:
            for ref in refs:
                made = await wallet.pay(ANA, BEN, 5, ref=ref, note=ref, timeout_s=5)
                told[ref] = made.id
    except BaseExceptionGroup as group:
        # Who waited for the clerk is told that nothing can be kept; all else would be a fault.
        crashes, others = group.split(Crash)
        if crashes is None or (others is not None and others.split(BookFailed)[1] is not None):
            raise
    except Crash:
        pass
    return told


@pytest.mark.parametrize("commits", COMMITS)
@pytest.mark.parametrize("step", STEPS)
async def test_after_a_crash_at_any_step_the_same_ref_is_the_same_payment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, commits: str
) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]})
    node = FragileNode(village, COMMITS[commits])
    village.nodes.append(node)
    refs, home = ["one", "two", "three"], tmp_path / "ana"
    with monkeypatch.context() as patch:
        # At the third payment, but for asking, which is done once a lease.
        node.saboteur = Saboteur(step, 1 if "asking" in step else 3)
        sabotage(patch, node.saboteur)
        before = await life(village, home, node, refs)
        assert node.saboteur.met
    node = node.started_again()
    after = await life(village, home, node, refs)
    assert set(after) == set(refs) and before.items() <= after.items()
    assert not village.forks()
    assert node.ledger.balance(BEN) == 5 * len(refs)
    node = node.started_again()
    again = await life(village, home, node, refs)
    assert again == after and node.ledger.balance(BEN) == 5 * len(refs)


async def test_a_caller_who_stops_waiting_stops_no_payment_that_was_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]})
    async with running(tmp_path / "ana", village.node()) as ana:
        keep = Clerk.keep
        with trio.CancelScope() as caller:

            async def impatient(clerk: Clerk, signing: Signing) -> None:
                caller.cancel()
                await keep(clerk, signing)

            monkeypatch.setattr(Clerk, "keep", impatient)
            await ana.pay(ANA, BEN, 5, ref="once")
        assert caller.cancel_called
        monkeypatch.undo()
        assert (await ana.pay(ANA, BEN, 5, ref="once")).state is Standing.FINAL
        assert ana.balance(ANA).balance == -5 and not village.forks()
