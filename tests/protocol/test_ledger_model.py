"""The ledger against the naive one: whatever members and stewards write, both say the same of it and of every balance.

The machine writes entries good and bad, certifies some and takes tails back. After each step the balances agree and
sum to zero; at the end a fresh ledger that is given the same things has the same root.
"""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from protocol.ops import Amend, Bounce, Limits, Op, Recv, Reinstate, Suspend
from protocol.shapes import MoneyShape
from protocol.verdict import Code, Need, Refused, Waiting

from ..builders import PLAIN_CHARTER, Town, accept, charge, found, send, settle
from ..naive import WAITING, Naive

NAMES = ("ana", "ben", "eve")
EVERYBODY = tuple(AccountId(number) for number in range(len(NAMES) + 1))
ELSEWHERE = AccountId(9)
NOT_MONEY = {Code.OP_SHAPE, Code.BACKLOG}
"""An entry may still be empty, or stand on too long a tail."""

accounts = st.sampled_from(EVERYBODY)
members = st.sampled_from(EVERYBODY[1:])
amounts = st.integers(1, 60)
charters = st.builds(
    replace,
    st.just(PLAIN_CHARTER),
    least_send=st.sampled_from((1, 1, 4)),
    ceiling=st.sampled_from((0, 0, 50)),
    levy_ppm=st.sampled_from((0, 0, 25_000)),
    commons_limit=st.sampled_from((0, 80)),
)
sends = st.builds(send, st.sampled_from((*EVERYBODY, ELSEWHERE)), amounts)
acts = st.one_of(
    st.builds(lambda account, limit: Limits(((account, limit),)), members, st.sampled_from((0, 20, 200))),
    st.builds(Suspend, members, st.sampled_from((1, 2))),
    st.builds(Reinstate, members),
    st.builds(charge, members, st.just(COMMONS), amounts),
    st.builds(charge, st.just(COMMONS), members, amounts),
    st.builds(Amend, charters),
)


class TwoLedgers(RuleBasedStateMachine):
    """One town, two ledgers."""

    town: Town
    ledger: Ledger
    naive: Naive
    log: list[SignedEntry]

    @initialize(charter=charters, limit=st.sampled_from((20, 100)))
    def founded(self, charter: object, limit: int) -> None:
        self.town = found(*NAMES, limit=limit, charter=charter)  # type: ignore[arg-type]
        self.ledger = Ledger(verify=lambda *_: True)
        self.log = [accept(self.ledger, self.town.founding)]
        self.log += [settle(self.ledger, self.town, self.town.open(name)) for name in NAMES]
        self.naive = Naive(signed.entry for signed in self.log)

    def final(self) -> dict[int, int]:
        chains = [self.ledger.chain(account) for account in self.ledger.accounts()]
        return {chain.account: chain.final_seq for chain in chains if chain is not None}

    def offer(self, signed: SignedEntry) -> None:
        """Give an entry to both; they must agree."""
        judged = self.ledger.judge(signed)
        expected = self.naive.verdict(signed.entry, self.final())
        if isinstance(judged, Effects):
            assert expected is None, expected
            self.ledger.apply(judged)
            self.naive.apply(signed.entry)
            self.log.append(self.town.keep(signed))
        elif isinstance(judged, Waiting):
            assert (judged.need, expected) == (Need.REFERENCE, WAITING)
            assert self.final()[judged.account] < judged.seq
        else:
            assert isinstance(judged, Refused), judged
            assert judged.code in NOT_MONEY or judged.code == expected, (judged, expected)

    def draw_money(self, data: st.DataObject, account: AccountId) -> Op:
        """A send, or a recv or bounce of something that flies (or, rarely, that does not)."""
        flying = [(coin.payer, coin.seq) for coin in self.naive.coins if coin.payee == account]
        if not flying or data.draw(st.booleans()):
            return data.draw(sends)
        payer, seq = data.draw(st.sampled_from(flying))
        if data.draw(st.booleans()):
            return Bounce(AccountId(payer), 0, seq)
        ever = [coin for coin in self.naive.coins if (coin.payer, coin.payee) == (payer, account) and coin.seq <= seq]
        total = sum(coin.amount for coin in ever) + data.draw(st.sampled_from((0, 0, 0, 0, 1)))
        return Recv(AccountId(payer), 0, seq, total)

    def draw_ops(self, data: st.DataObject, account: AccountId) -> list[Op]:
        """Up to four ops that stand well beside each other: their shape is no question here."""
        drawn = [self.draw_money(data, account) for _ in range(data.draw(st.integers(1, 3)))]
        if self.ledger.commons.charter().levy_ppm and data.draw(st.booleans()):
            drawn.append(send(COMMONS, 2))
        shape = MoneyShape(account)
        return [op for op in drawn if shape.fault(op) is None]

    @rule(data=st.data(), account=members)
    def member_writes(self, data: st.DataObject, account: AccountId) -> None:
        seq, prev, cited = self.town.heads[account]
        height = data.draw(st.integers(cited, self.town.height))
        self.offer(self.town.sign(account, seq + 1, prev, height, *self.draw_ops(data, account)))

    @rule(data=st.data(), ops=st.lists(acts, max_size=2))
    def community_writes(self, data: st.DataObject, ops: list[Op]) -> None:
        money = [self.draw_money(data, COMMONS)] if data.draw(st.booleans()) else []
        self.offer(self.town.propose(*ops, *money))

    @rule(account=members, index=st.sampled_from((0, -1)))
    def a_tail_becomes_final(self, account: AccountId, index: int) -> None:
        chain = self.ledger.chain(account)
        if chain is not None and chain.tail:
            self.ledger.certify(self.town.certificate(chain.tail[index].signed))

    @rule(data=st.data(), account=members)
    def a_tail_is_taken_back(self, data: st.DataObject, account: AccountId) -> None:
        chain = self.ledger.chain(account)
        assert chain is not None
        root, seq = self.ledger.state_root(), data.draw(st.integers(chain.final_seq, chain.seq))
        undone = self.ledger.rewind(account, seq)
        assert self.ledger.state_root() == root
        self.log = [signed for signed in self.log if signed not in undone]
        self.town.heads[account] = (chain.seq, chain.id, chain.height)
        self.naive = Naive(signed.entry for signed in self.log)

    @invariant()
    def both_show_the_same_balances_that_sum_to_zero(self) -> None:
        final = self.final()
        for account in EVERYBODY:
            assert self.ledger.balance(account) == self.naive.balance(account, final)
            taking = sum(row.amount for row in self.ledger.incoming(account))
            assert taking == self.ledger.arriving(account)
        assert self.ledger.check_sum() == 0 == self.naive.total()

    def teardown(self) -> None:
        """A ledger made from the log alone is the same."""
        if not hasattr(self, "log"):
            return
        fresh, final = Ledger(verify=lambda *_: True), self.final()
        for signed in self.log:
            accept(fresh, signed)
            if signed.account != COMMONS and signed.seq <= final[signed.account]:
                fresh.certify(self.town.certificate(signed))
        assert fresh.state_root() == self.ledger.state_root()


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(stateful_step_count=30)
