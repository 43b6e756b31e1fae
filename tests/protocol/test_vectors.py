"""The stories of tests/vectors, replayed: every step gets its verdict, and what is not accepted changes nothing."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import pytest

from protocol import codec
from protocol.addresses import peer_text
from protocol.base import AccountId, Malformed, PublicKey
from protocol.entry import read_signed
from protocol.invite import Voucher, voucher_fault
from protocol.knocks import decode_knock, decode_reply, encode_knock, encode_reply
from protocol.ledger import Ledger
from protocol.messages import decode_message, encode_message
from protocol.record import SignedRecord, record_fault
from protocol.request import Request, request_fault
from protocol.verdict import Code, Need
from tests.builders import accept
from tests.vectors.make import HERE, STORIES, forms_text, messages_text, papers_text, text
from tests.vectors.papers import content_of
from tests.vectors.replaying import Replay

OUT_OF_REACH = {
    # Said by wallets before they sign, by witnesses in nacks only, or kept for the ops of later charter versions.
    Code.TOO_BIG,
    Code.PROOF,
    Code.SEALS,
    Code.RETIRED,
    Code.SEALED,
    Code.BEHIND,
    Code.FLOOR,
    Code.NEWEST,
    Code.LOCKED,
    Code.BUDGET,
    Code.NOT_ATOMIC,
    Code.NOT_FROZEN,
    Code.NO_HOLD,
}


@cache
def _story(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())  # type: ignore[no-any-return]


def _steps() -> list[dict[str, Any]]:
    return [step for name in STORIES for step in _story(name)["steps"]]


def _state(replay: Replay) -> tuple[bytes, dict[str, int], list[tuple[AccountId, bytes]]]:
    """All that a refusal must leave as it was: what is final, what is shown, and every head."""
    ledger = replay.ledger
    heads = [
        (account, bytes(chain.id)) for account in ledger.accounts() if (chain := ledger.chain(account)) is not None
    ]
    return ledger.state_root(), replay.balances() if ledger.commons.is_founded else {}, heads


@pytest.mark.parametrize("name", STORIES)
def test_every_step_of_a_story_gets_its_verdict(name: str) -> None:
    story, replay = _story(name), Replay()
    for step in story["steps"]:
        before = _state(replay)
        got = replay.step(step["kind"], bytes.fromhex(step["bytes"]))
        assert got == (step["verdict"], step["code"]), step["name"]
        if step["verdict"] not in ("accepted", "overruled"):
            assert _state(replay) == before, step["name"]
        assert replay.ledger.check_sum() == 0
    assert replay.balances() == story["balances"]
    assert sum(story["balances"].values()) + _in_flight_to_nobody(replay) == 0
    assert replay.ledger.state_root().hex() == story["root"]


def _in_flight_to_nobody(replay: Replay) -> int:
    """What was sent and is not final yet: it has left the payer's balance and is not in the payee's."""
    ledger = replay.ledger
    chains = [chain for account in ledger.accounts() if (chain := ledger.chain(account)) is not None]
    return sum(parcel.amount for chain in chains for effects in chain.tail for _, parcel in effects.puts)


@pytest.mark.parametrize("name", STORIES)
def test_the_files_are_what_their_makers_would_write(name: str) -> None:
    assert (HERE / f"{name}.json").read_text() == text(name)


def test_every_refusal_that_can_be_reached_is_reached() -> None:
    reached = {step["code"] for step in _steps() if step["verdict"] == "refused"}
    assert reached == {code.word for code in set(Code) - OUT_OF_REACH}


def test_every_verdict_and_every_need_is_reached() -> None:
    assert {step["verdict"] for step in _steps()} == {
        "accepted",
        "duplicate",
        "waiting",
        "refused",
        "fork",
        "overruled",
        "malformed",
    }
    assert {step["code"] for step in _steps() if step["verdict"] == "waiting"} == {need.value for need in Need}


def test_many_steps_turn_on_entries_before_them() -> None:
    assert len(_steps()) >= 200
    assert sum(1 for _ in islice(_turning_steps(), 60)) == 60


def _turning_steps() -> Iterator[str]:
    """The steps whose verdict is another one when only the founding came before."""
    for name in STORIES:
        story = _story(name)
        for step in story["steps"]:
            if step["bytes"] == story["community"]["founding"]:
                continue
            alone = Replay()
            alone.step("entry", bytes.fromhex(story["community"]["founding"]))
            if alone.step(step["kind"], bytes.fromhex(step["bytes"])) != (step["verdict"], step["code"]):
                yield step["name"]


def test_text_forms_words_and_keys_are_as_listed() -> None:
    assert (HERE / "forms.json").read_text() == forms_text()
    ids = json.loads(forms_text())["ids"]
    assert [row["bytes"] is not None for row in ids] == [True] * 4 + [False] * 11


def test_every_message_has_the_bytes_that_are_listed() -> None:
    assert (HERE / "messages.json").read_text() == messages_text()
    for row in json.loads(messages_text()):
        raw = bytes.fromhex(row["bytes"])
        if row["right"]:
            assert encode_message(decode_message(raw)) == raw, row["name"]
        else:
            with pytest.raises(Malformed):
                decode_message(raw)


# Invites, records, requests: each row from its bytes, beside a ledger that holds the founding entry.


def _papers() -> tuple[dict[str, Any], Ledger]:
    papers, ledger = _story("papers"), Ledger()
    accept(ledger, read_signed(bytes.fromhex(papers["community"]["founding"])))
    assert ledger.commons.community.hex() == papers["community"]["id"]
    return papers, ledger


def _value(row: dict[str, Any]) -> codec.Plain:
    return codec.decode(bytes.fromhex(row["bytes"]), 1 << 16)


def test_papers_are_what_their_maker_would_write() -> None:
    assert (HERE / "papers.json").read_text() == papers_text()


def test_invites_and_cards_hold_what_is_listed() -> None:
    papers, _ = _papers()
    assert [row["bytes"] for row in papers["texts"]] == [content_of(row["text"]) for row in papers["texts"]]
    assert [row["bytes"] is not None for row in papers["texts"]] == [True] * 10 + [False] * 14
    for row in papers["peers"]:
        assert peer_text(PublicKey(bytes.fromhex(row["key"]))) == row["peer"]


def test_records_are_taken_as_listed() -> None:
    papers, ledger = _papers()
    for row in papers["records"]:
        signed = SignedRecord.read(_value(row))
        assert signed.id.hex() == row["id"], row["name"]
        assert (record_fault(ledger, signed, papers["community"]["now"]) is None) == row["taken"], row["name"]
    assert {row["taken"] for row in papers["records"]} == {True, False}


def test_vouchers_and_requests_get_the_code_that_is_listed() -> None:
    papers, ledger = _papers()
    now_s = papers["community"]["now"]
    for row in papers["vouchers"]:
        fault = voucher_fault(ledger, Voucher.read(_value(row)), now_s)
        assert (None if fault is None else fault.code) == row["code"], row["name"]
    for row in papers["requests"]:
        request = Request.read(_value(row))
        assert (request.id.hex(), request_fault(ledger, request, now_s)) == (row["id"], row["code"]), row["name"]


def test_questions_and_answers_of_the_doorstep_have_the_bytes_that_are_listed() -> None:
    for row in _papers()[0]["doorstep"]:
        raw = bytes.fromhex(row["bytes"])
        if row["right"]:
            assert _read_again(raw) == raw, row["name"]
        else:
            for read in (decode_knock, decode_reply):
                with pytest.raises(Malformed):
                    read(raw)


def _read_again(raw: bytes) -> bytes:
    try:
        return encode_knock(decode_knock(raw))
    except Malformed:
        return encode_reply(decode_reply(raw))
