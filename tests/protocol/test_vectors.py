"""The stories of tests/vectors, replayed: every step gets its verdict, and what is not accepted changes nothing."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import pytest

from protocol.base import AccountId, Malformed
from protocol.messages import decode_message, encode_message
from protocol.verdict import Code, Need
from tests.vectors.make import HERE, STORIES, forms_text, messages_text, text
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
