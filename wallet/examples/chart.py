"""The chart of one's balance: an SVG file, drawn from the history by plain Python.

Starts at today's balance and goes back, payment by payment. What is not final yet counts where it left this account,
and does not count yet where it comes to it: just so is the balance.
"""

import argparse
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import wallet
from wallet.scripting.answers import HistoryRow

WIDTH, HEIGHT, EDGE = 800, 300, 40
NOT_COUNTED = {("incoming", "recorded"), ("came_back", "recorded")}


def balances(now: Decimal, rows: Sequence[HistoryRow]) -> list[tuple[int, Decimal]]:
    """The time and the balance after each payment, oldest first; `rows` are newest first."""
    points = []
    for row in rows:
        if (row.kind, row.state) not in NOT_COUNTED:
            points.append((row.time, now))
            now -= row.amount
    return [(points[-1][0] if points else 0, now), *reversed(points)]


def svg(title: str, points: Sequence[tuple[int, Decimal]]) -> str:
    """A line that steps from balance to balance, with zero marked."""
    times, values = [time for time, _ in points], [value for _, value in points] + [Decimal(0)]
    low, high = min(values), max(values)

    def x(time: int) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (time - times[0]) / max(1, times[-1] - times[0])

    def y(value: Decimal) -> float:
        return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * float((value - low) / max(high - low, Decimal("0.01")))

    steps = [f"M {x(times[0]):.1f} {y(values[0]):.1f}"]
    steps += [f"H {x(time):.1f} V {y(value):.1f}" for time, value in points[1:]]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">
<text x="{EDGE}" y="{EDGE // 2}">{title}</text>
<path d="M {EDGE} {y(Decimal(0)):.1f} H {WIDTH - EDGE}" stroke="silver"/>
<path d="{" ".join(steps)}" fill="none" stroke="teal" stroke-width="2"/>
<text x="2" y="{y(high):.1f}" font-size="12">{high}</text><text x="2" y="{y(low):.1f}" font-size="12">{low}</text>
</svg>
"""


def main() -> int:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--home")
    said = parser.parse_args()
    with wallet.open(said.home) as me:
        balance, rows = me.balance(), list(me.history())
    said.file.write_text(svg(f"@{balance.handle}: {balance.balance} now", balances(balance.balance, rows)))
    print(f"{len(rows)} payments of @{balance.handle}, {balance.balance} {balance.unit} now: {said.file.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
