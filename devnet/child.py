"""What runs inside a child of a devnet: a member's node and wallet, the same as `tally up`, with a control pipe beside.

The first line on the pipe says what to be: `prepare` makes and settles the homes and ends; `member` runs one home. The
pipe can do what no API may: set the peers that the transport denies, and sign twice for one place. It never carries a
key. When the parent's end closes, the home is closed in order and the child ends.
"""

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from node.running import keep_log
from wallet.commands.passphrases import forbid_core_dumps
from wallet.errors import WalletError
from wallet.founding import Terms
from wallet.home import Home
from wallet.joining.asking import Asking
from wallet.starting import start_failure
from wallet.up import Up, run_home

from .doubling import DoubleSpender
from .founding import found_homes, settle_network
from .load_orders import LoadOrders
from .pipe import ChildEnd, ChildRefused, Fields, PipeClosed
from .places import Place
from .row_orders import RowOrders

if TYPE_CHECKING:
    from trio_typing import TaskStatus

log = logging.getLogger("tallystick.devnet")


def run(pipe: socket.socket) -> None:
    """Be the child that the first line on the pipe asks for."""
    forbid_core_dumps()
    trio.run(_main, pipe)


async def _main(pipe: socket.socket) -> None:
    end = ChildEnd(pipe)
    try:
        spec = await end.first()
        if spec["be"] == "prepare":
            await _prepare(end, spec)
        else:
            await _live(end, Home(Path(spec["home"])))
    except PipeClosed:
        return  # The devnet is gone, and so is whoever wanted this.


async def _prepare(end: ChildEnd, spec: Fields) -> None:
    """Make the homes if they are new, and see that their ports are free."""
    pending: list[str] = []
    places = [Place.read(fields) for fields in spec["places"]]
    try:
        if spec["terms"] is not None:
            pending = found_homes(Terms(**spec["terms"]), places, spec["quorum"])
        settle_network([Path(place.home) for place in places])
    except (WalletError, OSError) as error:
        failure = start_failure(error)
        await end.note("failed", message=str(error) if failure is None else failure.message)
        return
    await end.note("ready", pending=pending)


async def _live(end: ChildEnd, home: Home) -> None:
    """Run a home until the parent closes the pipe."""
    keep_log(home.run, "tally.log")
    _keep_output(home)
    try:
        async with trio.open_nursery() as nursery:
            up: Up | Asking = await nursery.start(_run_home, home, nursery.cancel_scope)
            assert isinstance(up, Up), "the homes of a devnet are members from the start"
            orders = Orders(up)
            await end.note("ready", **orders.introduction())
            await end.serve(orders.carry_out)
            up.stop.set()
    except Exception as error:
        # At the border to the parent: what is foreseen is told as a sentence, the rest goes to the log and on.
        failure = start_failure(error)
        if failure is None:
            log.exception("the node ended by a fault")
            raise
        await end.note("failed", message=failure.message)


async def _run_home(home: Home, life: trio.CancelScope, task_status: "TaskStatus[Up | Asking]") -> None:
    """Run a home; when it ends before the pipe does, as by `tally down`, so does the child."""
    await run_home(home, task_status=task_status)
    life.cancel()


def _keep_output(home: Home) -> None:
    """Put what libraries print into the log too: the terminal belongs to the parent."""
    output = os.open(home.run / "tally.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)


class Orders:
    """What the parent may ask of a running home. Amounts are in minor units."""

    def __init__(self, up: Up) -> None:
        self._up = up
        self._doubling = DoubleSpender(up)
        rows = RowOrders(up)
        load = LoadOrders(up)
        self._table = {
            "pay": self._pay,
            "status": self._status,
            "balances": self._balances,
            "deny": self._deny,
            "double": self._doubling.sign_twice,
            "evidence": self._doubling.evidence,
            "finals": self._doubling.finals,
            "lost": self._doubling.lost,
            "row": rows.row,
            "holds": rows.holds,
            "decide": rows.decide,
            "agreement": rows.agreement,
            "all-balances": rows.all_balances,
            "usage": rows.usage,
            "one-by-one": load.one_by_one,
            "at-once": load.at_once,
        }

    def introduction(self) -> dict[str, Any]:
        """What the parent tells others about this member."""
        return {"api": f"http://{self._up.address}", "peer_id": self._up.node.peer_id}

    async def carry_out(self, fields: Fields) -> Fields:
        """Carry out one order. Raises ChildRefused."""
        try:
            return await self._table[fields["do"]](fields)
        except WalletError as error:
            raise ChildRefused(error.code, error.message, error.facts) from None

    async def _pay(self, fields: Fields) -> Fields:
        wallet = self._up.wallet
        made = await wallet.pay(
            wallet.own_account(fields.get("payer")),
            wallet.find(fields["payee"]),
            fields["amount"],
            note=fields.get("memo") or None,
            ref=fields.get("ref"),
            wait=fields["wait"],
            timeout_s=fields["timeout_s"],
        )
        return {"id": made.id, "state": made.state}

    async def _status(self, _: Fields) -> Fields:
        node = self._up.node
        entries = node.journal.counts()["entries"]
        return {"peers": len(node.connected()), "entries": entries, "problems": node.problems()}

    async def _balances(self, _: Fields) -> Fields:
        """Everybody's balance, and the sum of all that there is, payments under way included."""
        ledger = self._up.node.ledger
        balances = {one.handle: ledger.balance(number) for number, one in ledger.commons.members.items()}
        return {"balances": balances, "sum": ledger.check_sum()}

    async def _deny(self, fields: Fields) -> Fields:
        self._up.node.transport.deny(set(fields["peers"]))
        return {}
