"""What a person's programs may ask the wallet over HTTP: the command `tally`, the page, scripts.

Served beside the node's calls by the same guarded server; each room of this package has a table of its own. Amounts are
decimal strings, handles are bare, states are recorded, final and seen. A failure keeps the code of `wallet.errors`.
"""

import trio

from node.api import ServedNode
from node.web.application import FailureHandlers
from node.web.calls import Call
from node.web.problem import Problem

from ..client import STATUS_BY_EXIT
from ..errors import KeyReused, KeyUnfinished, NameTaken, RefReused, WalletError
from ..people.people import Names
from ..service import Wallet
from .batch import Batches
from .exporting import Exporting
from .paying import Paying
from .running import Running
from .showing import Showing
from .views import error_facts

STATUS_BY_CODE = {RefReused.code: 409, NameTaken.code: 409, KeyReused.code: 409, KeyUnfinished.code: 409}
"""Where the exit status says less than HTTP can."""


class WalletApi:
    """The rooms about the wallet itself. `stop` ends the whole process politely."""

    def __init__(self, wallet: Wallet, node: ServedNode, names: Names, stop: trio.Event) -> None:
        self._node = node
        self._rooms = (
            Showing(wallet, node, names),
            Paying(wallet, node, names),
            Batches(wallet, node),
            Exporting(wallet, node),
            Running(wallet, node, stop),
        )

    def routes(self) -> list[Call]:
        """The tables of addresses."""
        return [call for room in self._rooms for call in room.routes()]

    def failures(self) -> FailureHandlers:
        """How the wallet's errors are told."""
        return {WalletError: self._problem}

    def _problem(self, error: Exception) -> Problem:
        assert isinstance(error, WalletError)
        facts = error_facts(error, self._node.ledger.commons.decimals)
        status = STATUS_BY_CODE.get(error.code, STATUS_BY_EXIT[error.exit_status])
        return Problem(status, error.code, error.message, error.next, facts)
