"""Scripts over real nodes: Python with and without await, the commands for files and events, and the examples."""

import asyncio
import csv
import io
import json
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import trio

import wallet
from tests.real.devnets import ROOT, RunningDevnet, tally
from wallet.client import CallFailed, Client, RunFile
from wallet.scripting.answers import Event

EXAMPLE_S = 60.0


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDevnet]:
    folder = tmp_path_factory.mktemp("scripting")
    with RunningDevnet(folder / "net", "--members", "4", "--witnesses", "3", "--seed", "7", "--traffic", "off") as net:
        yield net


async def _a_session(home: str) -> tuple[Any, ...]:
    async with wallet.connect(home) as me:
        before = (await me.balance()).balance
        paid = await me.pay("@bob", "2.50", memo="bread", wait="final")
        with pytest.raises(wallet.Limit) as refused:
            await me.pay("@bob", 100)
        with pytest.raises(wallet.PayeeUnknown):
            await me.preview("@nobody", Decimal("1.5"))
        shown, rows = await me.show(paid.id), [row async for row in me.history()]
        handles = [member.handle async for member in me.members()]
        moved = (await me.balance()).balance - before
    return paid, shown.id, rows[0], moved, handles, refused.value.facts["amount"]


@pytest.mark.parametrize("run", [trio.run, asyncio.run], ids=["trio", "asyncio"])
def test_a_script_pays_under_trio_and_under_asyncio(town: RunningDevnet, run: Callable[..., Any]) -> None:
    home = town.home_of("ana")
    session = _a_session(home) if run is asyncio.run else None
    paid, id, newest, moved, handles, asked = run(session) if session is not None else run(_a_session, home)
    assert (paid.state in ("final", "seen"), paid.payee, paid.amount, paid.unit) == (
        True,
        "bob",
        Decimal("2.50"),
        "hours",
    )
    assert (id, newest.id, newest.amount, moved) == (paid.id, paid.id, Decimal("-2.50"), Decimal("-2.50"))
    assert (handles[:2], asked) == (["ana", "bob"], Decimal("100.00"))


def test_a_notebook_does_the_same_without_await_and_without_with(town: RunningDevnet) -> None:
    me = wallet.open(town.home_of("bob"))
    try:
        assert me.status().members == me.community().members == 4
        paid = me.pay("@ana", Decimal("0.50"), ref="order-1", wait="seen")
        assert me.pay("@ana", "0.5", ref="order-1").id == paid.id == me.show(paid.id).id
        with pytest.raises(wallet.RefReused):
            me.pay("@ana", "0.6", ref="order-1")
        assert me.preview("@ana", 1).balance_after == me.balance().balance - 1
        assert me.receive().state in ("final", "seen")
        assert (me.verify(full=True).faults, me.verify().sum) == ((), Decimal("0.00"))
        assert me.lock().locked
        with pytest.raises(wallet.Locked):
            me.pay("@ana", 1)
        assert not me.unlock().locked
        with wallet.open(town.home_of("ana")) as ana:
            assert ana.refund(paid.id).payee == "bob"
        assert [row.kind for row in me.history()].count("came_back") <= 1
    finally:
        me.close()


def _states(events: Iterator[Event], count: int) -> list[tuple[str | None, Decimal | None]]:
    return [(event.state, event.amount) for event in islice(events, count)]


def test_events_go_on_after_the_node_was_killed_without_loss_and_without_doubles(town: RunningDevnet) -> None:
    home = town.home_of("carla")
    with wallet.open(home) as me:
        place = me.place()
        events = me.events(place)
        me.pay("@dan", "0.10", wait="seen")
        first = _states(events, 3)
        assert first == [(state, Decimal("0.10")) for state in ("recorded", "final", "seen")]
        assert town.order("kill", "carla")[0] == 0
        assert town.order("start", "carla")[0] == 0
        me.pay("@dan", "0.20", wait="final", timeout_s=60)
        assert _states(events, 2) == [("recorded", Decimal("0.20")), ("final", Decimal("0.20"))]
    status, told = _told(home, "--after", place)
    assert status == 0
    assert [(one["state"], one["amount"]) for one in told if one["state"] != "seen"] == [
        ("recorded", "0.10"), ("final", "0.10"), ("recorded", "0.20"), ("final", "0.20"),
    ]  # fmt: skip


def _told(home: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "wallet", "--home", home, "--json", "events", *words], cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_who_waits_for_a_node_that_stays_away_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(wallet.WalletError, match="no wallet"):
        next(wallet.open(tmp_path).events(patience_s=0))


def test_a_batch_from_a_file_is_paid_once(town: RunningDevnet, tmp_path: Path) -> None:
    file = tmp_path / "may.csv"
    file.write_text("payee;amount;memo\n@bob;0,25;eggs\ncarla;0,5;\n@bob;0,25;eggs\n")
    home = town.home_of("dan")
    status, shown = tally(home, "batch", str(file), "--yes")
    assert (status, [one["state"] in ("final", "seen") for one in shown["payments"]]) == (0, [True] * 3)
    again = tally(home, "batch", str(file), "--yes")[1]
    assert [one["id"] for one in again["payments"]] == [one["id"] for one in shown["payments"]]
    assert (again["payments_planned"], again["total"]) == (0, "0.00")


def test_hledger_agrees_with_every_balance(town: RunningDevnet, tmp_path: Path) -> None:
    home, file = town.home_of("ana"), tmp_path / "all.journal"
    with wallet.open(home) as me:
        me.pay("@bob", "0.05", memo='; "quoted"  | * (x) =1')
        me.pay("@commons", "0.03", wait="recorded")
    assert tally(home, "export", "--format", "hledger", "--all", "-o", str(file))[0] == 0
    if shutil.which("hledger") is None:
        pytest.skip("hledger not installed: not checked")
    subprocess.run(["hledger", "-f", file, "check", "--strict"], check=True, timeout=60)
    words = ["hledger", "-f", file, "balance", "-N", "-E", "-O", "csv"]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
    balances = {name: amount.split()[0] for name, amount in list(csv.reader(io.StringIO(found)))[1:]}
    for member in tally(home, "members")[1]["members"]:
        assert Decimal(balances[f"members:{member['handle']}"]) == Decimal(member["balance"])


# The examples


def example(name: str, *words: object) -> list[str]:
    return [sys.executable, "-m", f"wallet.examples.{name}", *map(str, words)]


def run(name: str, *words: object) -> tuple[int, str]:
    done = subprocess.run(
        example(name, *words), cwd=ROOT, capture_output=True, text=True, timeout=EXAMPLE_S, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def started(name: str, *words: object) -> "subprocess.Popen[str]":
    """An example that waits for something, and has said so."""
    process = subprocess.Popen(example(name, *words), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_the_till_waits_for_the_right_amount_and_says_who_paid(town: RunningDevnet) -> None:
    till = started("till", "0.75", "--home", town.home_of("bob"), "--seconds", EXAMPLE_S)
    with wallet.open(town.home_of("ana")) as ana:
        ana.pay("@bob", "0.70")
        ana.pay("@bob", "0.75", memo="rolls")
    assert till.communicate(timeout=EXAMPLE_S)[0] == "@ana paid 0.75: thank you!\n"
    assert till.returncode == 0
    assert run("till", "0.75", "--home", town.home_of("bob"), "--seconds", "0.5") == (
        1, "Please pay @bob 0.75\nNobody paid.\n"
    )  # fmt: skip


def test_the_payroll_pays_each_once_a_month(town: RunningDevnet, tmp_path: Path) -> None:
    file = tmp_path / "hours.csv"
    file.write_text("name,hours\nbob,0.5\ndan,0.25\nnobody,1\n")
    words = (file, "--rate", "0.5", "--month", "2026-05", "--home", town.home_of("carla"))
    status, shown = run("payroll", *words)
    assert (status, shown.splitlines()[2]) == (1, "@nobody 0.50: No member is called that.")
    with wallet.open(town.home_of("carla")) as carla:
        before = carla.balance().balance
        assert run("payroll", *words)[0] == 1
        assert carla.balance().balance == before


def test_the_bot_says_thanks_once_and_not_for_thanks(town: RunningDevnet, tmp_path: Path) -> None:
    place = tmp_path / "place"
    bot = started("thanks", "--home", town.home_of("dan"), "--place", place, "--most", "1")
    with wallet.open(town.home_of("bob")) as bob:
        bob.pay("@dan", "0.02", memo="Thank you for nothing")
        paid = bob.pay("@dan", "0.10", memo="lamp")
        assert bot.communicate(timeout=EXAMPLE_S)[0] == "Thank you for lamp, @bob\n"
        thanks = next(row for row in bob.history() if row.memo == "Thank you for lamp")
        assert (thanks.amount, thanks.other) == (Decimal("0.01"), "dan")
    with wallet.open(town.home_of("dan")) as dan:
        events = dan.events(place.read_text())
        assert next(events).ref == f"thanks {paid.id}"


def test_the_chart_is_a_picture_of_the_balance(town: RunningDevnet, tmp_path: Path) -> None:
    file = tmp_path / "balance.svg"
    status, shown = run("chart", file, "--home", town.home_of("ana"))
    with wallet.open(town.home_of("ana")) as ana:
        balance = ana.balance().balance
    assert status == 0 and shown.endswith(f"{balance} hours now: balance.svg\n")
    picture = ET.parse(file).getroot()
    assert picture.tag.endswith("svg") and f"@ana: {balance} now" in "".join(picture.itertext())


def test_importing_the_wallet_loads_nothing() -> None:
    code = "import sys, wallet; print([name for name in sys.modules if name.split('.')[0] in %r])"
    slow = ("httpx", "anyio", "trio", "protocol", "node", "nacl", "click", "msgspec", "decimal")
    done = subprocess.run([sys.executable, "-c", code % (slow,)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"


# A file that is cut short


class _Cut(BaseHTTPRequestHandler):
    """Sends two chunks of an answer, and its end only when that is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\none\nt\r\n3\r\nwo\n\r\n" + (b"0\r\n\r\n" if self.path == "/whole" else b""))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def test_lines_that_are_cut_short_are_not_taken_for_the_whole() -> None:
    with HTTPServer(("127.0.0.1", 0), _Cut) as server:
        answering = threading.Thread(target=server.serve_forever, daemon=True)
        answering.start()
        client = Client(RunFile(f"127.0.0.1:{server.server_port}", "t", 1))
        assert list(client.lines("/whole")) == [b"one\n", b"two\n"]
        taken = []
        with pytest.raises(CallFailed) as refused:
            for line in client.lines("/cut"):
                taken.append(line)
        server.shutdown()
    assert (taken, refused.value.code) == ([b"one\n", b"two\n"], "unreachable")
