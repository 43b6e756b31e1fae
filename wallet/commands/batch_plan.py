"""A batch of payments between the file and the wallet: what is planned, whether it is enough, and how it is shown."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from node.amounts import format_amount
from node.console.terminal import table
from wallet.commands.showing import counted
from wallet.formats.batchfile import BatchRow


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of the file as the wallet judges it. `minor` is its amount in smallest units, `levy` what goes to the
    commons besides."""

    row: BatchRow
    payee: str
    amount: str
    minor: int
    levy: int
    paid: Mapping[str, Any] | None
    """What was paid under its ref before."""
    short: bool = False
    """There is not enough left for it after the lines before it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole batch before anything of it is paid."""

    lines: tuple[Planned, ...]
    balance: Mapping[str, Any]
    locked: bool
    left_out: tuple[str, ...]

    @property
    def open(self) -> list[Planned]:
        """What is to be paid now."""
        return [line for line in self.lines if line.paid is None and not line.short]

    @property
    def short(self) -> list[Planned]:
        return [line for line in self.lines if line.short]

    @property
    def total(self) -> int:
        """What all that is to be paid now brings to its payees, smallest units."""
        return sum(line.minor for line in self.open)

    @property
    def levy(self) -> int:
        """What goes to the commons besides."""
        return sum(line.levy for line in self.open)

    @property
    def after(self) -> str:
        """The balance once all of it is paid."""
        return self.decimal(minor_of(self.balance["balance"]) - self.total - self.levy)

    def decimal(self, minor: int) -> str:
        """Smallest units as the currency is written."""
        return format_amount(minor, decimals_of(self.balance["balance"]))


def measured(lines: Collection[Planned], left: int) -> Iterator[Planned]:
    """Mark the lines for which not enough is left once those before them are paid."""
    for line in lines:
        cost = line.minor + line.levy
        is_short = line.paid is None and cost > left
        left -= 0 if is_short or line.paid is not None else cost
        yield replace(line, short=is_short)


def plan_lines(plan: Plan) -> list[str]:
    """What is about to happen, by payee."""
    unit, minors, counts = plan.balance["unit"], dict[str, int](), dict[str, int]()
    for line in plan.open:
        minors[line.payee] = minors.get(line.payee, 0) + line.minor
        counts[line.payee] = counts.get(line.payee, 0) + 1
    lines = table([(f"@{payee}", plan.decimal(minors[payee]), unit, counted(counts[payee], "payment"))
                   for payee in minors], right=frozenset({1}))  # fmt: skip
    lines.append(f"{counted(len(plan.open), 'payment')} of together {plan.decimal(plan.total)} {unit}")
    lines += [f"and a levy of {plan.decimal(plan.levy)} {unit} goes to the commons"] if plan.levy else []
    lines.append(
        f"balance of @{plan.balance['handle']} now {plan.balance['balance']} {unit}, afterwards {plan.after} {unit}"
    )
    lines += [f"line {line.row.line}: not enough for {line.amount} {unit} to @{line.payee}" for line in plan.short]
    if paid := [line for line in plan.lines if line.paid is not None]:
        lines.append(f"{counted(len(paid), 'line was', 'lines were')} paid before and will not be paid again")
    if plan.left_out:
        lines.append(f"columns that are not read: {', '.join(plan.left_out)}")
    return lines


def result_lines(plan: Plan, results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each line that was tried."""
    unit = plan.balance["unit"]
    rows = [
        (f"line {one['line']}", f"@{one['payee']}", one["amount"], unit, result_words(one), one["id"] or "")
        for one in results
    ]
    left = len(plan.lines) - len(results)
    return [*table(rows, right=frozenset({2})), *([f"{counted(left, 'line')} not tried"] if left else [])]


def result_words(one: Mapping[str, Any]) -> str:
    """A state, or why there is none."""
    state = one["state"] or f"refused: {one['error']['message']}"
    return f"{state}, paid before" if one["before"] else state


def shown(plan: Plan) -> dict[str, Any]:
    """The preview as JSON."""
    lines = [
        {"line": line.row.line, "payee": line.payee, "amount": line.amount, "memo": line.row.memo, "ref": line.row.ref,
         "paid": None if line.paid is None else line.paid["id"], "short": line.short}
        for line in plan.lines
    ]  # fmt: skip
    return {"lines": lines, **totals(plan, []), "left_out": list(plan.left_out)}


def totals(plan: Plan, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of it together, as JSON."""
    return {
        "payments_planned": len(plan.open), "total": plan.decimal(plan.total), "levy": plan.decimal(plan.levy),
        "unit": plan.balance["unit"], "balance": plan.balance["balance"], "balance_after": plan.after,
        "not_tried": len(plan.lines) - len(results),
    }  # fmt: skip


def minor_of(amount: str) -> int:
    """Smallest units of an amount as the wallet writes it, with all its decimals."""
    return int(amount.replace(".", ""))


def decimals_of(amount: str) -> int:
    """Digits behind the point of an amount as the wallet writes it."""
    return len(amount.partition(".")[2])
