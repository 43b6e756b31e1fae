"""A payroll: pays everybody in a CSV file with the titles name and hours, at one rate.

The ref of each payment is the month and the name. So the program may be run again after a crash, after a line was
added or by mistake: who was paid for that month is not paid twice, and another amount for them is refused.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import wallet


def owed(file: Path, rate: Decimal) -> Iterator[tuple[str, Decimal]]:
    """Each name with what it is owed."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        for row in csv.DictReader(opened):
            yield row["name"].strip(), (Decimal(row["hours"]) * rate).quantize(Decimal("0.01"))


def main() -> int:
    """Read the command line and pay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=Decimal, required=True)
    parser.add_argument("--month", required=True)
    parser.add_argument("--home")
    said = parser.parse_args()
    refused = 0
    with wallet.open(said.home) as me:
        for name, amount in list(owed(said.file, said.rate)):
            try:
                paid = me.pay(name, amount, memo=f"work in {said.month}", ref=f"payroll {said.month} {name}")
                print(f"@{paid.payee} {paid.amount} {paid.unit}: {paid.state}")
            except wallet.Limit as error:
                refused += 1
                print(f"@{name} {amount}: {error.facts['missing']} more are needed")
            except wallet.RuleRefusal as error:
                refused += 1
                print(f"@{name} {amount}: {error}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
