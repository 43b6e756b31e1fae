"""The commands of stewards and inviters: what they ask the wallet for, and what a person reads."""

from pathlib import Path
from typing import Any

import pytest

from node.console import terminal
from wallet.client import CallFailed

from .commanding import Tally

ACT: dict[str, Any] = {
    "act": "58e2422a", "id": "58e2422a" * 8, "state": "collecting", "words": ["credit limit of @bob: 30.00 hours"],
    "signed": ["ana"], "missing": ["ben", "cem"], "needed": 2, "here": False, "reason": "", "place": 3, "time": 9,
}  # fmt: skip
PREVIEW = {"words": ["credit limit of @bob: 30.00 hours"], "alone": False, "locked": False}
INVITE = {
    "invite": "invite1abc", "link": "tally:invite1abc", "file": "# An invite\ninvite1abc\n", "uses": 3,
    "limit": "20.00", "unit": "hours", "expires": 1_800_000_000, "addresses": ["/ip4/127.0.0.1/tcp/1/p2p/x"],
    "only_here": True,
}  # fmt: skip


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tally:
    made = Tally(monkeypatch, capsys)
    made.answers = {"acts/preview": PREVIEW, "acts": ACT, "invites": INVITE, "acts/58e2422a/sign": ACT}
    return made


ORDERS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("limit", "@bob", "30"), {"act": "limit", "member": "@bob", "limit": "30"}),
    (("suspend", "@bob"), {"act": "suspend", "member": "@bob"}),
    (("suspend", "@bob", "--freeze"), {"act": "freeze", "member": "@bob"}),
    (("reinstate", "@bob"), {"act": "reinstate", "member": "@bob"}),
    (("charge", "@bob", "5", "--reason", "dues"), {"act": "charge", "member": "@bob", "amount": "5", "reason": "dues"}),
    (("charge", "@bob", "5", "--to"), {"act": "grant", "member": "@bob", "amount": "5", "reason": ""}),
    (("charter", "--levy", "2%"), {"act": "charter", "levy": "2%"}),
    (("admit", "eve", "--limit", "4"), {"act": "admit", "member": "eve", "limit": "4"}),
]


@pytest.mark.parametrize(("typed", "order"), ORDERS, ids=lambda value: " ".join(value) if type(value) is tuple else "")
def test_an_act_is_shown_before_it_is_signed(tally: Tally, typed: tuple[str, ...], order: dict[str, Any]) -> None:
    done = tally(*typed, "--yes")
    assert done.asked == [
        ("/v1/wallet/acts/preview", order), ("/v1/wallet/acts", {**order, "timeout_s": 30.0}),
    ]  # fmt: skip
    assert done.status == 0 and done.out == (
        "58e2422a  collecting  credit limit of @bob: 30.00 hours\n"
        "                      signed by @ana, 2 needed; missing: @ben, @cem\n"
    )
    assert "tally sign 58e2422a" in done.err


def test_an_act_that_enough_have_signed_asks_for_no_other_steward(tally: Tally) -> None:
    tally.answers["acts/58e2422a/sign"] = {**ACT, "signed": ["ana", "ben"], "missing": ["cem"]}
    done = tally("sign", "58e2422a", "--yes")
    assert done.status == 0 and "tally sign" not in done.err and "by itself" in done.err


@pytest.mark.parametrize("typed", [order[0] for order in ORDERS] + [("sign", "58e2422a")], ids=" ".join)
def test_without_yes_nothing_is_signed_where_nobody_can_be_asked(tally: Tally, typed: tuple[str, ...]) -> None:
    done = tally(*typed, "--no-input")
    assert done.status == 2 and done.asked == [] and "--yes" in done.err


def test_who_says_no_signs_nothing(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.Terminal, "can_ask", True)
    monkeypatch.setattr(terminal.Terminal, "_ask", lambda *_: "n")
    done = tally("limit", "@bob", "30")
    assert done.status == 1 and [path for path, _ in done.asked] == ["/v1/wallet/acts/preview"]
    assert "other stewards have to sign it too" in done.err


def test_a_locked_wallet_and_a_decision_that_is_late_have_their_exit_status(tally: Tally) -> None:
    tally.answers["acts/preview"] = {**PREVIEW, "locked": True}
    assert tally("limit", "@bob", "30", "--yes").status == 5
    tally.answers |= {"acts/preview": PREVIEW, "acts": {**ACT, "state": "deciding"}}
    late = tally("limit", "@bob", "30", "--yes", "--json")
    assert late.status == 7 and late.json["error"]["facts"] == {"act": "58e2422a", "state": "deciding"}


def test_acts_are_listed_signed_and_withdrawn(tally: Tally) -> None:
    past = {**ACT, "state": "refused", "reason": "the rules refuse it", "signed": [], "missing": []}
    tally.answers["acts"] = {"open": [ACT], "past": [past], "stewards": 3, "needed": 2, "steward": True}
    shown = tally("acts")
    assert "missing: @ben, @cem" in shown.out and "the rules refuse it" in shown.out and "tally sign" in shown.err
    assert tally("sign", "58e2422a", "--yes").asked == [("/v1/wallet/acts/58e2422a/sign", {"timeout_s": 30.0})]
    tally.answers["acts/58e2422a/withdraw"] = {**ACT, "state": "withdrawn"}
    assert tally("acts", "--withdraw", "58e2422a").out == "58e2422a withdrawn: credit limit of @bob: 30.00 hours\n"


def test_an_invite_is_a_link_a_private_file_or_a_picture(tally: Tally, tmp_path: Path) -> None:
    plain = tally("invite", "--uses", "3", "--expires", "2d")
    assert plain.asked == [("/v1/wallet/invites", {"uses": 3, "lasts_s": 172800, "limit": None, "as": None})]
    assert plain.out == "tally:invite1abc\n" and "this computer only" in plain.err and "3 newcomers" in plain.err
    place = tmp_path / "invite.txt"
    assert tally("invite", "--file", str(place)).out == f"written to {place}\n"
    assert place.read_text() == INVITE["file"] and place.stat().st_mode & 0o777 == 0o600
    again = tally("invite", "--file", str(place))
    assert again.status == 2 and again.asked == [] and "is there already" in again.err
    rows = tally("invite", "--qr").out.splitlines()[1:]
    assert len({len(row) for row in rows}) == 1 and len(rows) > 10 and set("".join(rows)) <= set("█▀▄ ")
    assert rows[0] == "█" * len(rows[0])


def test_requests_say_who_asks_and_what_to_take_care_of(tally: Tally) -> None:
    one = {
        "id": "ab" * 32, "handle": "b0b", "greeting": "I bake", "invited_by": "ana", "own": False, "uses": 0,
        "limit": "20.00", "expires": 1_800_000_000, "alike": ["bob"],
    }  # fmt: skip
    tally.answers["requests"] = {"unit": "hours", "requests": [one]}
    shown = tally("requests")
    assert shown.out.splitlines()[0] == '@b0b: "I bake"' and "invited by @ana" in shown.out
    assert "take care: looks like @bob" in shown.out and "tally admit b0b" in shown.err
    tally.answers["requests/b0b/decline"] = {"id": "ab" * 32, "handle": "b0b", "declined": True}
    assert tally("requests", "--decline", "b0b").out == "@b0b is shown here no longer\n"


def test_stewards_are_listed_asked_and_offer_to_serve(tally: Tally) -> None:
    listed = {"stewards": [{"handle": None, "key": "ab" * 32, "own": False}], "needed": 1, "willing": ["bob"]}
    tally.answers |= {"stewards": listed, "stewards/serve": listed, "stewards/call": {**ACT, "state": "called"}}
    assert tally("stewards").out.splitlines()[1:] == ["  steward-1 (key abababababababab)", "would serve: @bob"]
    assert tally("stewards", "--serve").asked == [("/v1/wallet/stewards/serve", {"as": None})]
    called = tally("stewards", "--set", "@ana, @bob", "--of", "2", "--yes")
    assert called.asked == [("/v1/wallet/stewards/call", {"members": ["@ana", "@bob"], "needed": 2, "as": None})]
    for wrong in (("--set", "@ana"), ("--of", "2"), ("--serve", "--set", "@ana", "--of", "1"), ("--of", "17")):
        refused = tally("stewards", *wrong, "--yes")
        assert refused.status == 2 and refused.asked == []


def test_a_name_that_means_several_acts_or_none_is_said_before_anybody_is_asked(
    tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.Terminal, "can_ask", True)
    tally.answers["acts"] = {"open": [ACT, ACT], "past": [], "stewards": 3, "needed": 2, "steward": True}
    assert "Several acts" in tally("sign", "58").err
    assert "No open act" in tally("sign", "ff").err
    tally.answers["acts"] = CallFailed("unreachable", "No.", exit_status=4)
    assert tally("sign", "58").status == 4
