"""When a wallet may sign: only after the witnesses agree that its book knows all of the account."""

import pytest

from protocol.base import AccountId, EntryId
from protocol.lease import LEASE_S
from protocol.messages import Head, Position
from protocol.signer import MARGIN_S, ReadOnly, Ready, Reason, Signer, SignerState, Unchecked

ACCOUNT = AccountId(4)
QUORUM = 3


def at(seq: int, branch: bytes = b"a") -> Position:
    return Position(ACCOUNT, 0, seq, EntryId((branch + bytes([seq])) * 16))


def says(head: Position | None, granted: bool = True) -> Head:
    return Head(1, granted, head, 0 if head is None else head.seq + 1)


def heard(*answers: Head, book: Position | None = None, held: Position | None = None, ids: int = 100) -> SignerState:
    """The state of a signer after these answers; it knows the ids of branch "a" below `ids`."""
    signer = Signer()
    signer.ask(1000.0)
    return signer.hear(
        answers, quorum=QUORUM, book=book, held=held, id_at=lambda _, seq: at(seq).id if seq < ids else None
    )


def test_it_asks_before_the_first_signature() -> None:
    signer = Signer()
    assert signer.state == Unchecked() and signer.must_ask(0.0) and not signer.may_sign(0.0)


def test_with_q_grants_and_nothing_newer_it_is_ready_for_less_than_a_lease() -> None:
    state = heard(says(at(5)), says(at(4)), says(None), book=at(5), held=at(5))
    assert state == Ready(1000.0 + LEASE_S - MARGIN_S)


def test_when_the_lease_ran_out_it_asks_again() -> None:
    signer = Signer()
    signer.ask(1000.0)
    signer.hear([says(None)] * 3, quorum=QUORUM, book=None, held=None, id_at=lambda *_: None)
    assert signer.may_sign(1000.0) and not signer.must_ask(1000.0)
    assert not signer.may_sign(1000.0 + LEASE_S) and signer.must_ask(1000.0 + LEASE_S)


@pytest.mark.parametrize(
    ("answers", "book", "held", "reason"),
    [
        ([says(None)] * 2, None, None, Reason.TOO_FEW),
        ([says(None), says(None), says(None, False)], None, None, Reason.HELD),
        ([says(None)] * 3, None, at(0), Reason.NEWER),
        ([says(at(6)), says(at(5)), says(at(5))], at(5), at(5), Reason.NEWER),
        ([says(at(5))], None, None, Reason.NEWER),
        ([says(at(5))] * 3, at(5), at(6), Reason.NEWER),
        ([says(at(5, b"b"))] * 3, at(5), at(5), Reason.CONFLICT),
        ([says(at(3, b"b"))] + [says(at(5))] * 2, at(5), at(5), Reason.CONFLICT),
        ([says(at(5))] * 3, at(5), at(5, b"b"), Reason.CONFLICT),
    ],
)
def test_else_it_is_read_only_and_says_why(
    answers: list[Head], book: Position | None, held: Position | None, reason: Reason
) -> None:
    assert heard(*answers, book=book, held=held) == ReadOnly(reason)


def test_one_witness_that_holds_more_outweighs_any_number_of_grants() -> None:
    answers = [says(at(5))] * 3 + [says(at(6), granted=False)]
    assert heard(*answers, book=at(5), held=at(5)) == ReadOnly(Reason.NEWER)


def test_what_cannot_be_compared_yet_is_waited_for() -> None:
    assert heard(*[says(at(3))] * 3, book=at(5), held=None, ids=2) == ReadOnly(Reason.BEHIND)


def test_a_lasting_reason_weighs_more_than_a_passing_one() -> None:
    assert heard(says(at(3)), says(at(9)), book=at(5), ids=0) == ReadOnly(Reason.NEWER)


def test_a_passing_reason_lets_it_ask_again_and_a_lasting_one_does_not() -> None:
    for reason in Reason:
        signer = Signer()
        signer.stop(reason)
        assert signer.must_ask(0.0) is not reason.is_lasting
        assert not signer.may_sign(0.0)
