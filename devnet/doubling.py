"""A member who cheats, for `double-spend`: signs a second entry for the place of the wallet's next one.

Runs in the member's child, beside its wallet. The wallet cannot be made to do this, so the key is read once more and
the second entry goes round the book and the door, to some of the witnesses only. Nothing else in the project signs
outside the wallet.
"""

import time
from collections.abc import Sequence

import trio

from node.records import ForkRecord
from protocol.base import AccountId
from protocol.compose import Prevented, Wish, compose
from protocol.entry import Entry, SignedEntry, sealed
from protocol.messages import Answer, Bundle, Submit
from protocol.ops import Send
from protocol.payment import PaymentId
from protocol.signing import Tag, sign
from protocol.statements import Vote
from wallet import keystore
from wallet.accounts import Keyring
from wallet.errors import WalletError
from wallet.refusals import refusal
from wallet.up import Up

from .pipe import ChildRefused, Fields

SERIAL = 2**62
"""Far above the serials that the node counts up from 1, so that answers to the second entry are told apart."""
VOTES_S = 5.0
"""How long the witnesses of the second entry may take to vote."""
FINAL_S = 8.0
"""How long the first entry may take to be final, or to be found never to be."""


class DoubleSpender:
    """Signs twice for the first account of one home."""

    def __init__(self, up: Up) -> None:
        self._up = up
        self._node = up.node
        self._account = up.wallet.own_account(None)

    async def sign_twice(self, fields: Fields) -> Fields:
        """Pay `amount` to both of `payees` at one place: the second by stealth, the first by the wallet.

        Returns what became of either. Raises ChildRefused when the member cannot pay at all.
        """
        first, second = (self._up.wallet.find(handle) for handle in fields["payees"])
        # An honest payment first: the wallet then has the lease, and asks no witness before it signs again.
        await self._up.wallet.pay(self._account, first, 1, wait="final", timeout_s=FINAL_S)
        rogue = self._sign_second(second, fields["amount"])
        accomplices = self._accomplices()
        votes = await self._vote_for(rogue, accomplices)
        state, problem = await self._pay_first(first, fields["amount"])
        return {
            "account": self._account,
            "seq": rogue.seq,
            "second": str(PaymentId(rogue.id, _op_of(rogue.entry))),
            "second_id": rogue.id.hex(),
            "votes_for_second": votes,
            "shown_second": len(accomplices),
            "state": state,
            "problem": problem,
        }

    def _sign_second(self, payee: AccountId, amount: int) -> SignedEntry:
        """Sign what the wallet would sign next, but to another payee."""
        wallet, ledger = self._up.wallet, self._node.ledger
        keyring = Keyring(keystore.load(wallet.home, None).entropy)
        ordinal = wallet.book.ordinals[self._account]
        entry = compose(
            ledger, self._account, [Wish(payee, amount)], time=int(time.time()), opening=keyring.opening(ordinal)
        )
        if isinstance(entry, Prevented):
            raise refusal(entry)
        signature = sign(keyring.signing_key(ordinal), Tag.ENTRY, ledger.commons.community, entry.encode())
        return sealed(entry, ((0, signature),))

    def _accomplices(self) -> list[str]:
        """Half of the witnesses, but not this member's own node: the wallet's entry goes there first."""
        commons = self._node.ledger.commons
        linked = sorted(self._node.exchange.neighbours.witnesses(commons.witnesses))
        if not linked:
            raise ChildRefused("unreachable", "no other witness can be reached, so there is nobody to cheat", {})
        return linked[: max(1, len(commons.witnesses) // 2)]

    async def _vote_for(self, rogue: SignedEntry, peers: Sequence[str]) -> int:
        """Show the second entry to `peers` and count their votes for it."""
        chain = self._node.ledger.chain(self._account)
        tail = () if chain is None else tuple(held.signed for held in chain.tail)
        ear = _Ear(self._up, len(peers))
        self._node.exchange.answer(Answer, ear.hear)
        for peer in peers:
            self._node.exchange.send(peer, Submit(SERIAL, b"", Bundle((*tail, rogue))))
        with trio.move_on_after(VOTES_S):
            await ear.all_answered.wait()
        return ear.votes

    async def _pay_first(self, payee: AccountId, amount: int) -> tuple[str, str]:
        """Pay honestly by the wallet. Returns the payment's state, and what the wallet says if it failed."""
        try:
            made = await self._up.wallet.pay(self._account, payee, amount, wait="final", timeout_s=FINAL_S)
        except WalletError as error:
            return str(error.facts.get("state", error.code)), error.message
        return made.state, ""

    async def evidence(self, fields: Fields) -> Fields:
        """Say what this node knows of a place: whether it holds the proof, and which entry is final there."""
        account, seq = AccountId(fields["account"]), fields["seq"]
        proofs = self._node.journal.notes(ForkRecord)
        chain = self._node.ledger.chain(account)
        is_final = chain is not None and chain.final_seq >= seq
        id = self._node.ledger.id_at(account, 0, seq) if is_final else None
        return {
            "proof": any((one.proof.first.account, one.proof.first.seq) == (account, seq) for one in proofs),
            "final": None if id is None else id.hex(),
        }

    async def finals(self, _: Fields) -> Fields:
        """List what is final here: [account, seq, id] of each account's newest final entry."""
        ledger = self._node.ledger
        chains = [(account, ledger.chain(account)) for account in ledger.accounts()]
        heads = [(account, chain.final_seq) for account, chain in chains if chain is not None and chain.final_seq >= 0]
        return {"finals": [_final(account, seq, self._up) for account, seq in heads]}

    async def lost(self, fields: Fields) -> Fields:
        """Count which of some final entries, known here or elsewhere before, are contradicted here now."""
        ledger = self._node.ledger
        held = ((ledger.id_at(AccountId(account), 0, seq), id) for account, seq, id in fields["finals"])
        return {"lost": sum(found is not None and found.hex() != id for found, id in held)}


def _final(account: AccountId, seq: int, up: Up) -> tuple[int, int, str]:
    id = up.node.ledger.id_at(account, 0, seq)
    return account, seq, "" if id is None else id.hex()


def _op_of(entry: Entry) -> int:
    """The place of the payment among the ops of an entry."""
    return next(number for number, op in enumerate(entry.ops) if isinstance(op, Send))


class _Ear:
    """Hears the answers to the second entry, and passes everything on to those who hear it otherwise."""

    def __init__(self, up: Up, expected: int) -> None:
        self._node = up.node
        self._expected = expected
        self._answered: set[str] = set()
        self.votes = 0
        self.all_answered = trio.Event()

    def hear(self, peer: str, answer: Answer) -> None:
        if answer.serial == SERIAL and peer not in self._answered:
            self._answered.add(peer)
            self.votes += isinstance(answer.statement, Vote)
            if len(self._answered) == self._expected:
                self.all_answered.set()
        self._node.submitter.hear(answer)
        self._node.asker.hear(answer)
