"""Each example of each command is typed as it stands, by the person it is for, in a small town made for it.

The order is a story, so that what one command leaves behind serves the next; that no example is missing is a test.
"""

import http.server
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devnet.founding import settle_network
from node.console.commandline import WithExamples
from tests.command_lines import commands
from tests.real.sitting import Sitting, short_home
from wallet.founding import Founder, Terms, found_together

EXAMPLES = {name: command.examples for name, command in commands() if isinstance(command, WithExamples)}
HOME = ".local/share/tallystick"
PASSPHRASE = "correct horse"
LIMIT = 20_000
FILES = {
    "wages.csv": "payee,amount,memo\n@bob,2.50,till\n@cem,1.00,eggs\n",
    "history.csv": "day,from,to,hours,what\n2026-05-01,Ana,Bob,2.50,bread\n2026-05-02,Bob,Cem,1.00,eggs\n",
    "passphrase.txt": f"{PASSPHRASE}\n",
}
"""What lies in everybody's home folder, where they type."""
SEEN_S = 20.0
WEBHOOK_PORT = 8088

FIRST_PAYMENT = "seen in"
LIVES_ON = {
    "tally events": "listening",
    "tally-devnet up --members 6 --traffic busy --fresh": FIRST_PAYMENT,
}
"""Examples that go on until they are told to end, and what is seen first."""
OTHERWISE = {
    "tally-devnet up": ("tally-devnet up --help", "`make devnet` is this line, and the top README types it"),
    "tally-devnet bench": ("tally-devnet bench --help", "it takes a minute; tests/real/test_documents.py measures"),
    "tally-devnet bench --json": ("tally-devnet bench --help", "the same"),
}
"""Examples that are not typed as they stand: what is typed instead, and why."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A line that somebody types."""

    who: str
    line: str


@dataclass(frozen=True, slots=True)
class Ends:
    """What somebody had left running has shown `seen`, and is ended by Ctrl-C."""

    who: str
    seen: str


Scene = Typed | Ends


def every(who: str, *names: str) -> list[Scene]:
    """Somebody types all examples of these commands."""
    return [Typed(who, line) for name in names for line in EXAMPLES[name]]


def lines(who: str, *typed: str) -> list[Scene]:
    """Somebody types these lines."""
    return [Typed(who, line) for line in typed]


HOSTS: list[Scene] = [
    *every("hall", "tally-node"),
    *lines("carol", EXAMPLES["tally init"][1]),
    *every("hall", "tally-node status", "tally-node service", "tally-node down"),
    *lines("loft", EXAMPLES["tally-node init"][1]),
    *every("loft", "tally-node card"),
]
ALONE: list[Scene] = [
    *every("eve", "tally"),
    *lines("eve", "tally unlock"),
    *every("eve", "tally service", "tally down"),
    *lines("eve", *EXAMPLES["tally up"][1:], "tally down"),
    *lines("gus", EXAMPLES["tally init"][0]),
]
MEMBERS: list[Scene] = [
    *every("ana", "tally unlock", "tally status", "tally balance", "tally members", "tally community", "tally name"),
    *lines("ana", "tally events"),
    *every("ana", "tally pay", "tally history", "tally show", "tally batch"),
    Ends("ana", "bread"),
    *every("bob", "tally receive"),
    *lines("bob", "tally pay @ana 1 --yes"),
    *every("ana", "tally refund", "tally offer", "tally offers", "tally token", "tally token create"),
    *every("ana", "tally token list", "tally token revoke", "tally webhook", "tally webhook list"),
    *every("ana", "tally webhook test", "tally webhook deliveries", "tally webhook remove", "tally webhook add"),
    *lines("ana", EXAMPLES["tally events"][1]),
    *every("ana", "tally export", "tally verify", "tally words"),
]
STEWARDS: list[Scene] = [
    *lines("ana", "tally unlock"),
    *every("ana", "tally invite"),
    *lines("dora", EXAMPLES["tally init"][2]),
    *every("ana", "tally requests", "tally admit", "tally limit", "tally charge", "tally suspend", "tally reinstate"),
    *every("ana", "tally charter", "tally acts"),
    *lines("shed", "tally-node init", "tally-node run --detach"),
    *every("ana", "tally hosts"),
    *lines("bob", "tally stewards --serve"),
    *lines("cem", "tally stewards --serve"),
    *every("ana", "tally stewards"),
    *every("bob", "tally sign"),
    *every("ana", "tally lock"),
    *lines("shed", "tally-node down"),
]
DEVNET: list[Scene] = [
    *lines("fay", EXAMPLES["tally-devnet up"][1]),
    *every("fay", "tally-devnet status", "tally-devnet logs", "tally-devnet partition", "tally-devnet heal"),
    *every("fay", "tally-devnet kill", "tally-devnet start", "tally-devnet double-spend"),
    *lines("fay", "tally-devnet down", "tally-devnet up", "tally-devnet down --wipe"),
    *every("fay", "tally-devnet replay", "tally-devnet bench"),
]
STORIES = {"hosts": HOSTS, "alone": ALONE, "members": MEMBERS, "stewards": STEWARDS, "devnet": DEVNET}


class Town:
    """The people, each with a home folder of their own, and what they have been shown."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._shown: dict[str, str] = {}
        self._sittings: dict[str, Sitting] = {}

    def __getitem__(self, name: str) -> Sitting:
        """Whoever is called so; somebody new comes with an empty home."""
        if name not in self._sittings:
            self._sit(name, self._stack.enter_context(short_home(name)))
        return self._sittings[name]

    def _sit(self, name: str, home: Path) -> None:
        for file, text in FILES.items():
            (home / file).write_text(text)
        self._sittings[name] = Sitting(
            home, self._stack, folder=home, shown=self._shown, lives_on=LIVES_ON, otherwise=OTHERWISE
        )

    def found(self, *names: str) -> None:
        """Found a community of these members, all up; the first is its steward and has a passphrase."""
        homes = {name: self._stack.enter_context(short_home(name)) for name in names}
        founders = [
            Founder(home / HOME, [name], PASSPHRASE if name == names[0] else None, True, name == names[0])
            for name, home in homes.items()
        ]
        found_together(Terms("Oak Street", "hours", 2, LIMIT), founders, quorum=len(names) // 2 + 1)
        settle_network([home / HOME for home in homes.values()])
        for name, home in homes.items():
            self._sit(name, home)
            self[name].type("tally up --detach")

    def play(self, story: Sequence[Scene]) -> None:
        """Go through a story; nobody lives on at its end."""
        for scene in story:
            sitting = self[scene.who]
            if isinstance(scene, Typed):
                sitting.type(scene.line)
            else:
                assert sitting.living is not None
                sitting.living.until(scene.seen, SEEN_S)
                sitting.end()
        for sitting in self._sittings.values():
            sitting.end()


@pytest.mark.parametrize("name", STORIES)
def test_the_examples_can_be_typed_as_they_stand(name: str) -> None:
    with ExitStack() as stack:
        town = Town(stack)
        if name in ("members", "stewards"):
            town.found("ana", "bob", "cem")
            stack.enter_context(listening())
        town.play(STORIES[name])


def test_no_example_is_left_out() -> None:
    played = {scene.line for story in STORIES.values() for scene in story if isinstance(scene, Typed)}
    assert {line for lines in EXAMPLES.values() for line in lines} <= played
    assert LIVES_ON.keys() | OTHERWISE.keys() <= played


@contextmanager
def listening() -> Iterator[None]:
    """Somebody's own server, which takes whatever it is sent."""
    server = http.server.HTTPServer(("127.0.0.1", WEBHOOK_PORT), Taking)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Taking(http.server.BaseHTTPRequestHandler):
    """Answers every POST that all is well."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
