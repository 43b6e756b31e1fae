"""A node under test in a process of its own: the same home as `tally up`, with a control pipe to hurt it by.

Beside paying and telling, the pipe can tell the transport whom to deny, let the disk run full, and have the process
kill itself (with a real SIGKILL) at a chosen moment of its work, which nobody outside could hit as well.
"""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import apsw
import trio

from devnet.pipe import ChildEnd, ChildRefused, Fields, PipeClosed
from node.identity import read_identity
from node.records import VoteRecord
from node.running import keep_log
from node.store import identity_folder
from protocol.base import AccountId
from protocol.messages import Answer, Message, Submit
from protocol.payment import read_payment_id
from protocol.statements import Vote
from tests.faults.vfs import Failure, FaultyDisk, faulty_disk
from wallet.errors import WalletError
from wallet.home import Home
from wallet.starting import start_failure
from wallet.up import Up, run_home


def run(pipe: socket.socket) -> None:
    """Be a node until the pipe closes."""
    trio.run(_main, pipe)


async def _main(pipe: socket.socket) -> None:
    end = ChildEnd(pipe)
    try:
        spec = await end.first()
        with ExitStack() as stack:
            disk = None
            if spec.get("faulty"):
                disk = stack.enter_context(faulty_disk())
                apsw.set_default_vfs(disk.name)
            await _live(end, Home(Path(spec["home"])), disk)
    except PipeClosed:
        return


async def _live(end: ChildEnd, home: Home, disk: FaultyDisk | None) -> None:
    home.run.mkdir(mode=0o700, exist_ok=True)
    keep_log(home.run, "tally.log")
    output = os.open(home.run / "tally.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    try:
        async with trio.open_nursery() as nursery:
            up: Up = await nursery.start(run_home, home)
            await end.note("ready", **introduction(up))
            await end.serve(Orders(up, disk).carry_out)
            up.stop.set()
    except Exception as error:
        failure = start_failure(error)
        if failure is None:
            raise
        await end.note("failed", message=failure.message, code=failure.code, exit_status=failure.exit_status)


def introduction(up: Up) -> dict[str, Any]:
    """What a test needs to know of a node once."""
    key = read_identity(identity_folder(up.wallet.home.root)).witness_key.public
    return {
        "api": up.address,
        "peer_id": up.node.peer_id,
        "pid": os.getpid(),
        "community": up.node.community.hex(),
        "witness_key": key.hex(),
    }


class Orders:
    """What a test may ask of its node. Amounts are in minor units."""

    def __init__(self, up: Up, disk: FaultyDisk | None) -> None:
        self._up = up
        self._disk = disk

    async def carry_out(self, fields: Fields) -> Fields:
        """Carry out one order by its name. Raises ChildRefused with the wallet's own code."""
        try:
            answer = getattr(self, f"do_{fields['do']}")(fields)
            return dict(answer if isinstance(answer, dict) else await answer)
        except WalletError as error:
            raise ChildRefused(error.code, error.message, {**error.facts, "exit": error.exit_status}) from None

    async def do_pay(self, fields: Fields) -> Fields:
        wallet = self._up.wallet
        made = await wallet.pay(
            wallet.own_account(None), wallet.find(fields["payee"]), fields["amount"],
            ref=fields.get("ref"), wait=fields.get("wait", "final"), timeout_s=fields.get("timeout_s", 10.0),
        )  # fmt: skip
        return {"id": made.id, "state": made.state.value}

    def do_facts(self, _: Fields) -> Fields:
        """The state that all nodes must agree on, and how this one is."""
        node, ledger = self._up.node, self._up.node.ledger
        witness = node.witnessing
        chains = [chain for account in ledger.accounts() if (chain := ledger.chain(account)) is not None]
        return {
            "root": ledger.state_root().hex(),
            "sum": ledger.check_sum(),
            "tails": sum(chain.seq - chain.final_seq for chain in chains),
            "balances": {one.handle: ledger.balance(number) for number, one in ledger.commons.members.items()},
            "peers": len(node.connected()),
            "voting": witness is not None and witness.is_voting,
            "dead": None if witness is None else witness.dead,
            "problems": node.problems(),
            "row": node.journal.last_row,
            "waiting": len(node.bookkeeper.waiting),
            "wanted": len(node.bookkeeper.wanted()),
        }

    def do_states(self, fields: Fields) -> Fields:
        """Of some payments: is each final in this node's ledger?"""
        ledger, journal = self._up.node.ledger, self._up.node.journal
        found = {}
        for text in fields["ids"]:
            signed = journal.by_id(read_payment_id(text).entry)
            chain = None if signed is None else ledger.chain(AccountId(signed.account))
            held = signed is not None and ledger.id_at(signed.account, 0, signed.seq) == signed.id
            found[text] = bool(held and chain is not None and signed is not None and chain.final_seq >= signed.seq)
        return {"final": found}

    def do_deny(self, fields: Fields) -> Fields:
        self._up.node.transport.deny(set(fields["peers"]))
        return {}

    def do_disk(self, fields: Fields) -> Fields:
        """Let the disk be full from its `after`th write on, or with None have room again."""
        assert self._disk is not None
        self._disk.failure = Failure.FULL
        after = fields["after"]
        self._disk.fail_at = None if after is None else self._disk.operations + after
        return {}

    def do_die(self, fields: Fields) -> Fields:
        """Arrange for SIGKILL at the k-th time that something happens, `delay_s` later."""
        ripe = Countdown(fields["k"], fields["delay_s"])
        arrange: dict[str, Callable[[Up, Countdown], None]] = {
            "before vote is stored": _before_vote,
            "after vote is stored": _after_vote,
            "after vote is sent": _after_vote_sent,
            "after submission": _after_submission,
            "after a commit": _after_commit,
        }
        arrange[fields["moment"]](self._up, ripe)
        return {}


MOMENTS_OF_WITNESSES = ("before vote is stored", "after vote is stored", "after vote is sent")
MOMENTS = (*MOMENTS_OF_WITNESSES, "after submission", "after a commit")


class Countdown:
    """Kills this process the k-th time it is called, a little later if so told."""

    def __init__(self, k: int, delay_s: float) -> None:
        self._left = k
        self._delay_s = delay_s

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0 and self._delay_s == 0:
            _die()
        elif self._left == 0:
            trio.lowlevel.spawn_system_task(self._die_later)

    async def _die_later(self) -> None:
        await trio.sleep(self._delay_s)
        _die()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wrap_append(up: Up, before: Callable[[Any], None], after: Callable[[Any], None]) -> None:
    """Runs in the writer's thread, where only an immediate death is possible."""
    journal, append = up.node.journal, up.node.journal.append

    def appending(records: Any) -> int:
        before(records)
        row: int = append(records)
        after(records)
        return row

    journal.append = appending  # type: ignore[method-assign]


def _with_vote(ripe: Countdown) -> Callable[[Any], None]:
    def look(records: Any) -> None:
        if any(isinstance(record, VoteRecord) for record in records):
            ripe()

    return look


def _nothing(_: Any) -> None:
    return


def _before_vote(up: Up, ripe: Countdown) -> None:
    ripe._delay_s = 0
    _wrap_append(up, _with_vote(ripe), _nothing)


def _after_vote(up: Up, ripe: Countdown) -> None:
    ripe._delay_s = 0
    _wrap_append(up, _nothing, _with_vote(ripe))


def _after_commit(up: Up, ripe: Countdown) -> None:
    ripe._delay_s = 0
    _wrap_append(up, _nothing, lambda _: ripe())


def _wrap_send(up: Up, ripe: Countdown, is_it: Callable[[Message], bool]) -> None:
    exchange, send = up.node.exchange, up.node.exchange.send

    def sending(peer: str, message: Message) -> bool:
        sent = send(peer, message)
        if is_it(message):
            ripe()
        return sent

    exchange.send = sending  # type: ignore[method-assign]


def _after_vote_sent(up: Up, ripe: Countdown) -> None:
    _wrap_send(up, ripe, lambda message: isinstance(message, Answer) and isinstance(message.statement, Vote))


def _after_submission(up: Up, ripe: Countdown) -> None:
    _wrap_send(up, ripe, lambda message: isinstance(message, Submit))
