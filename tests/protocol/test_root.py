"""The state root: what it covers, what it does not, and that no order of delivery moves it."""

import random
from dataclasses import replace

from protocol.base import COMMONS, AccountId, digest
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from protocol.ops import Bounce, Recv
from protocol.pairs import RETURN, SEND
from protocol.root import leaf, signed_plain, tree_root
from protocol.statements import Certificate
from protocol.verdict import Accepted, Duplicate, Waiting

from ..builders import Town, accept, authority, charge, confirm, decide, found, key, opened, send, settle, stewards_op

ANA, BEN, EVE = AccountId(1), AccountId(2), AccountId(3)


def root_anew(ledger: Ledger) -> bytes:
    """The root with no leaf taken from memory."""
    for account in ledger.accounts():
        ledger._leaves.touch(account)
    return ledger.state_root()


def busy(town: Town, ledger: Ledger) -> None:
    """Ana pays Ben three times; he bounces one, takes the rest, pays Eve, and bounces what she sent."""
    for amount in (10, 5, 20):
        settle(ledger, town, town.write("ana", send(BEN, amount)))
    settle(ledger, town, town.write("eve", send(BEN, 2)))
    settle(ledger, town, town.write("ben", Bounce(ANA, 0, 2)))
    settle(ledger, town, town.write("ben", Recv(ANA, 0, 3, 35), send(EVE, 3)))
    settle(ledger, town, town.write("ben", Bounce(EVE, 0, 1)))


def test_a_leaf_holds_the_final_state_as_the_spec_writes_it() -> None:
    town = found("ana", "ben", "eve")
    ledger = opened(town)
    busy(town, ledger)
    accept(ledger, town.write("eve", Recv(BEN, 0, 2, 3)))
    chain = ledger.chain(BEN)
    assert chain is not None
    assert leaf(ledger._state, chain) == (
        BEN, 0, 3, town.heads[BEN][1], 0,
        1, (key("ben").public,), authority("ben next").hash(),
        (0, 27), 0,
        ((ANA, 0, 5, 1, ((1, 5, RETURN),)), (EVE, 0, 5, 3, ((2, 3, SEND), (3, 2, RETURN)))),
        ((ANA, 0, (3, 35), ()), (EVE, 0, (), ((1, 2),))),
        (),
    )  # fmt: skip
    confirm(ledger, town.certificate(accept(ledger, town.write("eve", Recv(BEN, 0, 3, 5)))))
    assert leaf(ledger._state, chain)[10][1] == (EVE, 0, 5, 3, ())


def test_leaf_0_covers_the_whole_state_of_account_0() -> None:
    town = found("ana", "ben")
    ledger = opened(town)
    before = ledger.state_root()
    decide(ledger, town)
    after = ledger.state_root()
    decide(ledger, town, charge(ANA, COMMONS, 5))
    charged = ledger.state_root()
    decide(ledger, town, stewards_op(town.community, "x"))
    assert len({before, after, charged, ledger.state_root()}) == 4
    chain = ledger.chain(COMMONS)
    assert chain is not None and chain.authority == authority("x")


def test_what_is_not_final_does_not_move_the_root() -> None:
    town = found("ana", "ben", "eve")
    ledger = opened(town)
    busy(town, ledger)
    settle(ledger, town, town.write("ana", send(BEN, 4)))
    root = ledger.state_root()
    written = [
        accept(ledger, town.write("ana", Recv(BEN, 0, 1, 5), send(EVE, 1))),
        accept(ledger, town.write("eve", Recv(BEN, 0, 3, 5), send(BEN, 4))),
        accept(ledger, town.write("ana", send(BEN, 1))),
    ]
    accept(ledger, town.write("ben", Bounce(ANA, 0, 4)))
    assert root_anew(ledger) == root
    confirm(ledger, town.certificate(written[0]))
    assert ledger.state_root() != root


def test_which_witnesses_voted_does_not_move_the_root() -> None:
    town = found("ana", "ben", witnesses=4, quorum=3)
    signed = town.open("ana", send(BEN, 1))
    roots = set()
    for by in ((0, 1, 2), (1, 2, 3), (0, 1, 2, 3)):
        ledger = Ledger()
        accept(ledger, town.founding)
        accept(ledger, signed)
        confirm(ledger, town.certificate(signed, by))
        roots.add(ledger.state_root())
    assert len(roots) == 1


def test_the_kept_leaves_are_those_that_would_be_made_anew() -> None:
    town = found("ana", "ben", "eve")
    ledger = opened(town)
    busy(town, ledger)
    settle(ledger, town, town.write("eve", send(BEN, 9)))
    ledger.state_root()
    settle(ledger, town, town.write("ben", Recv(EVE, 0, 2, 11)))
    kept = ledger.state_root()
    assert kept == root_anew(ledger)


def test_before_the_founding_the_root_is_zero() -> None:
    assert Ledger().state_root() == bytes(32)


def test_the_tree_joins_pairs_and_lets_an_odd_one_rise() -> None:
    def node(left: bytes, right: bytes) -> bytes:
        return digest(b"tally node", left + right)

    a, b, c, d, e = (bytes([number]) * 32 for number in range(5))
    assert tree_root([a]) == a
    assert tree_root([a, b, c]) == node(node(a, b), c)
    assert tree_root([a, b, c, d, e]) == node(node(node(a, b), node(c, d)), e)


def test_numbers_below_zero_have_one_form() -> None:
    assert [signed_plain(value) for value in (-3, 0, 3)] == [(1, 3), (0, 0), (0, 3)]


Thing = SignedEntry | Certificate


def story() -> tuple[Town, list[Thing]]:
    """A community's whole life, acts of account 0 in the middle of it."""
    town = found("ana", "ben", "eve", witnesses=4, quorum=3, limit=200)
    ledger, things = Ledger(), list[Thing]()
    accept(ledger, town.founding)

    def keep(signed: SignedEntry) -> None:
        things.append(settle(ledger, town, signed))
        things.append(town.certificate(signed))

    for name in town.members:
        keep(town.open(name))
    for amount in (10, 5, 20):
        keep(town.write("ana", send(BEN, amount), send(COMMONS, 1)))
    keep(town.write("ben", Bounce(ANA, 0, 2), Recv(ANA, 0, 3, 35)))
    for ops in ((town.admit("zoe"), charge(EVE, COMMONS, 5)), (Recv(ANA, 0, 3, 3), send(town["zoe"], 8))):
        things.append(decide(ledger, town, *ops))
    keep(town.open("zoe", Recv(COMMONS, 0, 2, 8)))
    keep(town.write("ana", Recv(BEN, 0, 1, 5), send(town["zoe"], 3)))
    return town, things


def deliver(ledger: Ledger, thing: Thing) -> bool:
    """Give the ledger one thing; False when it must wait."""
    if isinstance(thing, Certificate):
        verdict = ledger.judge_certificate(thing)
        if isinstance(verdict, Accepted):
            ledger.certify(thing)
        assert isinstance(verdict, Accepted | Duplicate | Waiting), verdict
        return not isinstance(verdict, Waiting)
    judged = ledger.judge(thing)
    if isinstance(judged, Effects):
        ledger.apply(judged)
    assert isinstance(judged, Effects | Duplicate | Waiting), judged
    return not isinstance(judged, Waiting)


def test_any_order_of_delivery_gives_one_root() -> None:
    town, things = story()
    roots = set()
    for seed in range(12):
        ledger = Ledger(verify=lambda *_: True)
        accept(ledger, town.founding)
        waiting = [*things, *things]
        random.Random(seed).shuffle(waiting)
        while waiting:
            left = [thing for thing in waiting if not deliver(ledger, thing)]
            assert len(left) < len(waiting)
            waiting = left
        assert ledger.check_sum() == 0
        roots.add(ledger.state_root())
    assert len(roots) == 1


def test_a_signature_more_on_a_body_does_not_move_the_root() -> None:
    town = found("ana", "ben")
    signed = town.open("ana", send(BEN, 1))
    ledger, other = (Ledger(verify=lambda *_: True) for _ in range(2))
    for one, entry in ((ledger, signed), (other, replace(signed, signatures=((0, signed.signatures[0][1]),)))):
        accept(one, town.founding)
        settle(one, town, entry)
    assert ledger.state_root() == other.state_root()
