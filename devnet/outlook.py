"""What plain sums say of a file before a row of it is paid: how many rows the rules will refuse, and why.

Pure. Real files often have an account that issues to all others and goes far below any limit: said beforehand, a user
can choose another limit, or leave its rows out. `replay` pays, and there it is the rules that refuse.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.base import AMOUNT_MAX

from .csv_rows import Table
from .schedule import Step, foresee


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rows to be refused, by reason, and what would change it. Amounts are in minor units."""

    over_limit: int
    to_oneself: int
    not_payable: int
    """Rows whose amount is zero, less, or too large for any payment."""
    foremost: int | None
    """The payer, as in the steps, whose rows exceed the limit most often."""
    foremost_rows: int
    limit_for_all: int
    """The least limit under which no row exceeds it."""

    @property
    def refused(self) -> int:
        return self.over_limit + self.to_oneself + self.not_payable


def steps_of(table: Table) -> list[Step]:
    """The rows of a table as steps between places in `Table.members`."""
    place = {name: number for number, name in enumerate(table.members)}
    return [Step(place[row.payer], place[row.payee], row.amount) for row in table.rows]


def look_ahead(steps: Sequence[Step], limit: int) -> Outlook:
    """Say what becomes of `steps` when everybody's limit is `limit`."""
    sound = [step for step in steps if step.payer != step.payee and 1 <= step.amount <= AMOUNT_MAX]
    to_oneself = sum(step.payer == step.payee for step in steps)
    over = Counter(step.payer for step, fine in zip(sound, foresee(sound, limit), strict=True) if not fine)
    foremost, foremost_rows = over.most_common(1)[0] if over else (None, 0)
    not_payable = len(steps) - len(sound) - to_oneself
    return Outlook(over.total(), to_oneself, not_payable, foremost, foremost_rows, _deepest(sound))


def _deepest(steps: Sequence[Step]) -> int:
    """How far below zero anybody comes when every step is paid."""
    balances: Counter[int] = Counter()
    deepest = 0
    for step in steps:
        balances[step.payer] -= step.amount
        balances[step.payee] += step.amount
        deepest = min(deepest, balances[step.payer])
    return -deepest
