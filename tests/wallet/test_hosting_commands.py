"""Hosts at the keyboard of `tally`: cards as they come, what is no card, and what is said of hosts."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.console.exits import REFUSED, USAGE
from protocol.base import KEY_BYTES
from protocol.bodies import ROLE_ARCHIVE, ROLE_WITNESS
from protocol.host_card import HostCard, read_host_card
from tests.builders import key
from wallet.__main__ import run
from wallet.client import CallFailed
from wallet.commands.hosting import read_card

from .commanding import Tally, refused

CARD = HostCard(
    key("host").public, ROLE_WITNESS | ROLE_ARCHIVE, ("/ip4/127.0.0.1/tcp/4100",), key("witness 0").public,
    2_000_000_000, bytes([3]) * KEY_BYTES,
)  # fmt: skip
HOST = {
    "peer_id": CARD.peer, "roles": ["archive", "relay"], "addresses": ["127.0.0.1:4100"], "expires": CARD.expires,
    "linked": True, "told": True,
}  # fmt: skip


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tally:
    return Tally(monkeypatch, capsys)


@pytest.mark.parametrize("form", ["text", "capitals", "file", "stdin"])
def test_a_card_comes_as_text_or_file(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ben.card"
    file.write_text(f"it serves as witness, reached at 127.0.0.1:4100\n{CARD}\n")
    monkeypatch.setattr("wallet.commands.papers.STANDARD_INPUT", file)
    given = {"text": str(CARD), "capitals": str(CARD).upper(), "file": str(file), "stdin": "-"}
    assert read_card(given[form]) == CARD


def _mistyped() -> str:
    text = str(CARD)
    return text[:40] + ("q" if text[40] != "q" else "p") + text[41:]


BAD_CARDS = {
    "mistyped": (_mistyped(), "damaged or not whole"),
    "truncated": (str(CARD)[:-20], "damaged or not whole"),
    "nothing": ("", "neither a host's card nor a file"),
    "words": ("hello", "neither a host's card nor a file"),
    "a folder": ("/", "neither a host's card nor a file"),
    "another text": ("tally:pay1qqq", "not a host's card"),
}


@pytest.mark.parametrize("case", BAD_CARDS)
def test_what_is_no_card_is_told_for_what_it_is_and_nothing_is_made(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, words = BAD_CARDS[case]
    home = tmp_path / "home"
    status = run(["--home", str(home), "--json", "init", "--community", "Elm", "--unit", "h", "--handle", "ana",
                  "--no-passphrase", "--witness", given])  # fmt: skip
    error = json.loads(capsys.readouterr().out)["error"]
    assert (status, error["code"]) == (USAGE, "bad_card") and words in error["message"].replace("\u2019", "'")
    assert not home.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--quorum", "2"), "go with --witness"),
        (("--not-me",), "go with --witness"),
        (("--witness", str(CARD), "--quorum", "0"), "0 is not in the range"),
        (("--witness", str(CARD), "--join", "invite1x"), "means nothing with --join"),
        (("--announce", "oak.example"), "has no port"),
        (("--listen", "oak.example"), "is no address of this computer"),
    ],
)
def test_options_that_make_no_sense_make_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    home = tmp_path / "home"
    founding = () if "--join" in options else ("--community", "Elm", "--unit", "h")
    status = run(["--home", str(home), "--json", "init", *founding, "--handle", "ana", "--no-passphrase", *options])
    error: Any = json.loads(capsys.readouterr().out)["error"]
    assert status == USAGE and words in error["message"]
    assert not (home / "wallet").exists() and not (home / "node" / "identity").exists()


def test_hosts_are_listed_with_their_standing(tally: Tally) -> None:
    tally.answers["hosts"] = {"hosts": [HOST, {**HOST, "addresses": [], "linked": False, "told": False}]}
    lines = tally("hosts").out.splitlines()
    assert lines[0].split("  ")[0] == "127.0.0.1:4100" and lines[0].endswith("linked")
    assert lines[1].startswith(CARD.peer) and lines[1].endswith("not told yet that it is one")
    assert tally("hosts", "--json").json == tally.answers["hosts"]


def test_without_hosts_it_says_how_to_let_one_in(tally: Tally) -> None:
    tally.answers["hosts"] = {"hosts": []}
    assert tally("hosts").out == "no hosts: `tally hosts add CARD` lets one in\n"


def test_a_host_is_let_in_by_its_card(tally: Tally, tmp_path: Path) -> None:
    tally.answers["hosts"] = HOST
    (tmp_path / "card").write_text(str(CARD))
    done = tally("hosts", "add", str(tmp_path / "card"))
    ((path, body),) = done.asked
    assert (done.status, path) == (0, "/v1/wallet/hosts") and read_host_card(body["card"]) == CARD
    assert done.out == "127.0.0.1:4100: archive, relay, linked\n" and done.err == ""


def test_a_host_that_was_not_reached_is_said_to_be_told_later(tally: Tally) -> None:
    tally.answers["hosts"] = {**HOST, "linked": False, "told": False}
    done = tally("hosts", "add", str(CARD))
    assert done.status == 0 and "goes on trying" in done.err


def test_what_the_wallet_refuses_ends_the_command_so(tally: Tally) -> None:
    tally.answers["hosts"] = refused("not_steward", REFUSED)
    assert tally("hosts", "add", str(CARD)).status == REFUSED
    with pytest.raises(CallFailed, match="neither a host's card"):
        read_card("nothing like it")
