"""`tally init --join` in this process, with doors that a test made: what it says, and what it leaves in the home."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from node import wallclock
from node.config import read_config
from protocol.invite import Invite
from protocol.knocks import ReadCommons, Welcome, encode_reply
from tests import papers
from tests.builders import key
from tests.wallet.doorsteps import Elm, Server, Street
from wallet.__main__ import run
from wallet.home import Home
from wallet.joining import asking
from wallet.joining.kept import read_joining

NOW = papers.NOW_S


@dataclass
class Visit:
    """Somebody at a terminal with an invite, and the community that it leads to."""

    home: Home
    elm: Elm
    servers: list[Server]
    capsys: pytest.CaptureFixture[str]
    now: int = NOW
    said: str = ""
    error: dict[str, object] = field(default_factory=dict)

    def invite(self, **terms: int) -> Invite:
        return self.elm.invite([server.address for server in self.servers], **terms)

    def join(self, given: str, *more: str, handle: str = "eve") -> int:
        arguments = ["--home", str(self.home.root), "--json", "init", "--join", given, "--handle", handle, *more]
        status = run(arguments)
        self.said, _ = self.capsys.readouterr()
        self.error = json.loads(self.said).get("error", {})
        return status

    @property
    def is_untouched(self) -> bool:
        """Tell whether nothing was made."""
        return not any(place.is_file() and place.name != "lock" for place in self.home.root.rglob("*"))


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Visit:
    elm = Elm()
    servers = [Server(elm, "one"), Server(elm, "two")]
    made = Visit(Home(tmp_path / "home"), elm, servers, capsys)

    @asynccontextmanager
    async def knocking(seed: bytes, community: bytes) -> AsyncIterator[Street]:
        yield Street(*servers)

    monkeypatch.setattr(asking, "knocking", knocking)
    monkeypatch.setattr(asking, "ADMISSION_WAIT_S", 3.0)
    monkeypatch.setattr(wallclock, "now_s", lambda: made.now)
    return made


def test_an_invite_is_asked_by_and_what_came_of_it_is_said(visit: Visit) -> None:
    assert visit.join(str(visit.invite()), "--greeting", "I bake", "--no-passphrase") == 0
    said = json.loads(visit.said)
    assert (said["standing"], said["name"], said["handle"], said["problems"]) == ("asked", "Testville", "eve", [])
    (request,) = visit.servers[0].requests
    assert (request.handle, request.greeting) == ("eve", "I bake")
    assert visit.home.is_joining()


@pytest.mark.parametrize("form", ["text", "link", "capitals", "file", "stdin"])
def test_an_invite_comes_as_text_link_or_file(
    visit: Visit, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invite = visit.invite()
    (tmp_path / "invite.txt").write_text(invite.file_text())
    monkeypatch.setattr("wallet.commands.papers.STANDARD_INPUT", tmp_path / "invite.txt")
    given = {
        "text": str(invite), "link": invite.link(), "capitals": str(invite).upper(),
        "file": str(tmp_path / "invite.txt"), "stdin": "-",
    }  # fmt: skip
    assert visit.join(given[form], "--no-passphrase") == 0
    assert read_joining(visit.home).invite == invite


def test_a_voucher_needs_no_second_step(visit: Visit) -> None:
    def admit(request: object) -> None:
        if len(visit.elm.entries) == 1:
            visit.elm.admit(visit.servers[0].requests[0] if visit.servers[0].requests else request)  # type: ignore[arg-type]

    visit.servers[1].accepts = admit
    assert visit.join(str(visit.invite(uses=5)), "--no-passphrase") == 0
    said = json.loads(visit.said)
    assert (said["standing"], said["account"]) == ("admitted", 2)
    assert visit.home.is_founded() and not visit.home.is_joining()


def test_when_nobody_answers_the_home_is_made_and_asks_later(visit: Visit) -> None:
    for server in visit.servers:
        server.away = "refused"
    assert visit.join(str(visit.invite()), "--no-passphrase") == 0
    said = json.loads(visit.said)
    assert said["standing"] == "asking" and len(said["problems"]) == 2 and "refused" in said["problems"][0]
    assert visit.home.is_joining()


def test_the_same_command_again_asks_with_another_name_and_the_same_keys(visit: Visit) -> None:
    assert visit.join(str(visit.invite()), "--no-passphrase") == 0
    visit.elm.decide(visit.elm.town.admit("eve"))
    before = visit.home.joining.read_bytes()
    assert visit.join(str(visit.invite())) == 3 and visit.error["code"] == "handle_taken"
    assert visit.home.joining.read_bytes() == before
    assert visit.join(str(visit.invite()), handle="eva") == 0
    first, *_, last = visit.servers[0].requests
    assert (first.handle, last.handle) == ("eve", "eva") and first.authority == last.authority


def test_a_home_that_was_admitted_without_hearing_of_it_learns_of_it_by_another_invite(visit: Visit) -> None:
    assert visit.join(str(visit.invite(expires=NOW + 60)), "--no-passphrase") == 0
    visit.elm.admit(visit.servers[0].requests[0])
    visit.now = NOW + 120
    assert visit.join(str(visit.invite(expires=NOW + 600))) == 0
    assert json.loads(visit.said)["standing"] == "admitted" and visit.home.is_founded()


Spoil = Callable[[Visit], str]


def _expired(visit: Visit) -> str:
    return str(visit.invite(expires=NOW))


def _altered(visit: Visit) -> str:
    voucher = papers.voucher(visit.elm.town, by=key("eve"))
    return str(papers.invite(visit.elm.town, voucher, addresses=(visit.servers[0].address,)))


def _foreign(visit: Visit) -> str:
    other = Elm("zoe")
    return str(other.invite([server.address for server in visit.servers]))


def _of_another_history(visit: Visit) -> str:
    invite = visit.invite()
    visit.elm.decide(visit.elm.town.admit("ben"))
    return str(replace(invite, height=1, anchor=visit.elm.entries[0].id))


def _used_up(visit: Visit) -> str:
    for server in visit.servers:
        server.accepts = lambda _: "used_up"
    return str(visit.invite(uses=1))


def _mistyped(visit: Visit) -> str:
    text = str(visit.invite())
    return text[:50] + ("q" if text[50] != "q" else "p") + text[51:]


BAD: dict[str, tuple[Spoil, int, str, str]] = {
    "expired": (_expired, 3, "invite_expired", "expired"),
    "altered": (_altered, 3, "invite_altered", "altered"),
    "foreign": (_foreign, 3, "invite_foreign", "another community"),
    "of another history": (_of_another_history, 3, "invite_foreign", "another community"),
    "used up": (_used_up, 3, "invite_used_up", "as often as it allows"),
    "mistyped": (_mistyped, 2, "bad_invite", "damaged or not whole"),
    "truncated": (lambda visit: str(visit.invite())[:-20], 2, "bad_invite", "damaged or not whole"),
    "nothing": (lambda _: "", 2, "bad_invite", "neither an invite nor a file"),
    "words": (lambda _: "hello", 2, "bad_invite", "neither an invite nor a file"),
    "a folder": (lambda visit: str(visit.home.root.parent), 2, "bad_invite", "neither an invite nor a file"),
    "another text": (lambda _: "tally:pay1qqq", 2, "bad_invite", "not an invite"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_invite_is_told_for_what_it_is_and_nothing_is_left(visit: Visit, kind: str) -> None:
    spoil, status, code, words = BAD[kind]
    assert visit.join(spoil(visit), "--no-passphrase") == status
    assert visit.error["code"] == code and words in str(visit.error["message"])
    assert visit.is_untouched and not visit.home.is_joining() and not visit.home.unfinished.exists()
    assert not any(server.requests for server in visit.servers)


@pytest.mark.parametrize(
    ("more", "handle", "code"),
    [
        ((), "Eve!", "bad_request"), ((), "commons", "bad_request"), ((), "ana", "handle_taken"),
        (("--greeting", "x" * 201), "eve", "bad_request"), (("--greeting", "a\u202eb"), "eve", "bad_request"),
        (("--community", "Oak"), "eve", "usage"), (("--unit", "h"), "eve", "usage"),
        (("--limit", "5"), "eve", "usage"), (("--decimals", "1"), "eve", "usage"),
    ],
)  # fmt: skip
def test_a_bad_wish_is_told_and_nothing_is_left(visit: Visit, more: tuple[str, ...], handle: str, code: str) -> None:
    assert visit.join(str(visit.invite()), "--no-passphrase", *more, handle=handle) in (2, 3)
    assert visit.error["code"] == code
    assert visit.is_untouched and not any(server.requests for server in visit.servers)


def test_where_the_node_listens_is_written_down_with_the_home(visit: Visit) -> None:
    assert visit.join(str(visit.invite()), "--no-passphrase", "--listen", "nowhere!") == 2
    assert visit.error["code"] == "bad_address" and visit.is_untouched
    more = ("--listen", "127.0.0.1:28100", "--announce", "192.0.2.5:4100")
    assert visit.join(str(visit.invite()), "--no-passphrase", *more) == 0
    config = read_config(visit.home.root)
    assert (config.listen_port, config.announce) == (28100, ("/ip4/192.0.2.5/tcp/4100",))


def test_a_liar_at_one_address_is_named_and_the_other_is_asked(visit: Visit) -> None:
    visit.servers[0].answer = lambda q: encode_reply(Welcome()) if isinstance(q, ReadCommons) else None
    assert visit.join(str(visit.invite()), "--no-passphrase") == 0
    said = json.loads(visit.said)
    assert said["standing"] == "asked" and visit.servers[0].address in said["problems"][0]
    assert (len(visit.servers[0].requests), len(visit.servers[1].requests)) == (0, 1)


def test_without_anybody_to_ask_a_passphrase_is_needed_and_nothing_is_left(visit: Visit) -> None:
    assert visit.join(str(visit.invite())) == 2
    assert visit.error["code"] == "needs_passphrase" and visit.is_untouched


def test_a_home_of_a_community_joins_no_other(visit: Visit) -> None:
    assert run(["--home", str(visit.home.root), "init", "--community", "Oak", "--unit", "h", "--handle", "ana",
                "--no-passphrase"]) == 0  # fmt: skip
    visit.capsys.readouterr()
    assert visit.join(str(visit.invite()), "--no-passphrase") == 1
    assert visit.error["code"] == "home" and visit.home.is_founded()
    assert not any(server.requests for server in visit.servers)


def test_the_invite_is_in_no_answer(visit: Visit) -> None:
    invite = visit.invite()
    visit.join(str(invite), "--no-passphrase")
    assert str(invite)[:60] not in visit.said and invite.seed.hex() not in visit.said
