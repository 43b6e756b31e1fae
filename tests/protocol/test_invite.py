"""Invites: however one was passed on it reads back, and what is wrong with one is said."""

import pytest

from protocol.base import Malformed
from protocol.host_card import read_host_card
from protocol.invite import InviteFault, invite_fault, read_invite, voucher_fault
from protocol.knocks import LeaveRequest, decode_knock, encode_knock
from protocol.record import record_fault
from protocol.request import request_fault

from ..builders import found, opened
from ..papers import NOW_S, card, host_card, invite, request, voucher


def test_an_invite_reads_back_however_it_was_passed_on() -> None:
    town = found("ana")
    made = invite(town, voucher(town))
    text = str(made)
    broken = "\n".join(text[at : at + 40] for at in range(0, len(text), 40))
    for form in (text, made.link(), text.upper(), broken, f"Hello Carl,\n\n{broken}\n\nsee you", made.file_text()):
        assert read_invite(form) == made
    assert invite_fault(opened(town), made, NOW_S) is None
    assert read_host_card(str(host_card())) == host_card()


def test_first() -> None:
    town = found("ana")
    ledger = opened(town)
    assert voucher_fault(ledger, voucher(town), NOW_S) is None
    assert voucher_fault(ledger, voucher(town, town["ana"]), NOW_S) is None
    assert voucher_fault(ledger, voucher(town, town["ana"], uses=1), NOW_S) is InviteFault.NOT_ISSUED
    assert record_fault(ledger, card(town, town["ana"]), NOW_S) is None
    asked = request(town, voucher(town), "carl")
    assert request_fault(ledger, asked, NOW_S) is None
    knock = LeaveRequest(town.community, asked, asked.by_invite)
    assert decode_knock(encode_knock(knock)) == knock


def test_damage() -> None:
    town = found("ana")
    with pytest.raises(Malformed, match="damaged"):
        read_invite(str(invite(town, voucher(town)))[:-1])
