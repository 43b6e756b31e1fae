"""Makes the CSV of a made-up currency, as lively and as untidy as real ones: for tests and for trying a replay.

    python -m tests.devnet.make_csv FILE [--rows 2000] [--members 300] [--seed 1] [--style plain|sarafu|komunitin]

A few hubs take part in most payments, some days are bursts, newcomers appear as time goes, amounts come in round
numbers and odd ones, some payers have not enough, and some rows are junk. The same numbers give the same file.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

JUNK_PART = 0.01
LARGE_PART = 0.02
"""Payments far larger than most: where payers run out of credit."""
FIRST_DAY = datetime(2020, 1, 25)


@dataclass(frozen=True, slots=True)
class Style:
    """How one program writes its payments: header, delimiter, decimal comma."""

    header: tuple[str, ...]
    delimiter: str = ","
    comma: bool = False


STYLES = {
    "plain": Style(("date", "payer", "payee", "amount", "memo")),
    "sarafu": Style(("id", "timeset", "transfer_subtype", "source", "target", "weight", "token_name")),
    "komunitin": Style(
        ("id", "created", "state", "amount", "description", "payer.code", "payee.code"), delimiter=";", comma=True
    ),
}


@dataclass(frozen=True, slots=True)
class Made:
    """One payment of the made-up history."""

    number: int
    when: datetime
    payer: str
    payee: str
    amount: str
    memo: str

    def fields(self, style: str, chance: random.Random) -> list[str]:
        """Write it as a program of that style would."""
        day = self.when.isoformat(" ", "seconds")
        if style == "sarafu":
            kind = "STANDARD" if chance.random() < 0.9 else "DISBURSEMENT"
            return [str(self.number), day, kind, self.payer, self.payee, self.amount, "Sarafu"]
        if style == "komunitin":
            amount = self.amount.replace(".", ",")
            return [f"{self.number:08x}", day, "committed", amount, self.memo, self.payer, self.payee]
        return [day, self.payer, self.payee, self.amount, self.memo]


def _names(members: int, style: str, chance: random.Random) -> list[str]:
    if style == "sarafu":
        return [f"0x{chance.getrandbits(160):040x}" for _ in range(members)]
    if style == "komunitin":
        return [f"GRN{number:05d}" for number in range(members)]
    firsts = ("Ana", "Bob", "José", "Zoë", "ana", "Łucja", "Mo'in", "Dan van Dijk", "Anne-Marie", "O Neill")
    return [f"{firsts[number % len(firsts)]} {number}" for number in range(members)]


def _amount(chance: random.Random) -> str:
    if chance.random() < LARGE_PART:
        return f"{chance.randint(900, 4000)}"
    if chance.random() < 0.7:
        return f"{chance.choice((5, 10, 20, 30, 50, 100, 150))}"
    return f"{chance.uniform(0.01, 120):.{chance.choice((1, 2, 2, 2, 4))}f}"


def payments(rows: int, members: int, style: str, chance: random.Random) -> Iterator[Made]:
    """Make the payments in order of time."""
    names = _names(members, style, chance)
    hubs = names[: max(2, members // 50)]
    when = FIRST_DAY
    for number in range(rows):
        burst = chance.random() < 0.3
        when += timedelta(seconds=chance.randint(1, 60 if burst else 7200))
        known = names[: max(4, min(members, members // 5 + number * members // rows))]
        payer = chance.choice(hubs) if chance.random() < 0.25 else chance.choice(known)
        payee = chance.choice(hubs) if chance.random() < 0.35 else chance.choice(known)
        memo = chance.choice(("", "bread", "tomatoes, 2 kg", 'the "good" soap', "school fees", "café"))
        yield Made(number + 1, when, payer, payee, _amount(chance), memo)


def _junk(fields: list[str], style: str, chance: random.Random) -> list[str]:
    """Spoil a row in one of the ways that real files are spoilt."""
    header = STYLES[style].header
    amount = next(place for place, name in enumerate(header) if name in {"amount", "weight"})
    payer = next(place for place, name in enumerate(header) if name in {"payer", "source", "payer.code"})
    spoilt = list(fields)
    match chance.randrange(4):
        case 0:
            return spoilt[:2]
        case 1:
            spoilt[amount] = chance.choice(("n/a", "", "twelve", "1.2.3,4,5"))
        case 2:
            spoilt[payer] = " "
        case _:
            spoilt.append("surplus")
    return spoilt


def make(path: Path, rows: int, members: int, seed: int, style: str = "plain") -> None:
    """Write the file."""
    chance = random.Random(seed)
    how = STYLES[style]
    with path.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, delimiter=how.delimiter)
        writer.writerow(how.header)
        for payment in payments(rows, members, style, chance):
            fields = payment.fields(style, chance)
            writer.writerow(_junk(fields, style, chance) if chance.random() < JUNK_PART else fields)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the CSV of a made-up currency.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--members", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", choices=sorted(STYLES), default="plain")
    chosen = parser.parse_args()
    make(chosen.file, chosen.rows, chosen.members, chosen.seed, chosen.style)


if __name__ == "__main__":
    main()
