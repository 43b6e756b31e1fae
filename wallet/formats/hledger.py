"""Payments as a journal for hledger (hledger.org): plain text accounting whose balances are those of `tally balance`.

Each member is an account `members:HANDLE`, account 0 is `commons`. What is not final has the mark `!` and lies in
`in flight` until it is, because the payee's balance does not count it before. The format has no way to write a
semicolon or a bar in a description, so these become commas and strokes; JSON lines have the words as they are.
"""

import re

from .rows import ExportRow, Place

IN_FLIGHT = "in flight"
COMMONS_HANDLE = "commons"
_UNSAFE_IN_TAG = re.compile(r"[^A-Za-z0-9._@#/+-]+")
_SHOWN_AS = str.maketrans({";": ",", "|": "/", '"': "'"})


def head(place: Place) -> str:
    """The commodity and the accounts, so that `hledger check --strict` finds each declared."""
    whose = ", ".join(f"@{handle}" for handle in place.whose)
    partly = f"the payments of {whose}; only the balances of these accounts are whole" if whose else "all payments"
    accounts = [_account(handle) for handle in place.handles] + [_account(COMMONS_HANDLE), IN_FLIGHT]
    form = "1000." + "0" * place.decimals
    lines = [
        f"; {_words(place.name)}, {place.community}: {partly}",
        "decimal-mark .",
        f"commodity {form} {_commodity(place.unit)}",
        *(f"account {name}" for name in accounts),
    ]
    return "\n".join(lines) + "\n"


def line(row: ExportRow) -> str:
    """One transaction: mark, id, who to whom and for what; then the two accounts."""
    mark = "*" if row.counted else "!"
    code = f"({row.id}) " if row.id else ""
    memo = _words(row.memo or "")
    words = f"@{row.payer} to @{row.payee}" + (f" | {memo}" if memo else "")
    tags = [f"kind:{row.kind}", f"state:{row.state}", f"entry:{row.entry}"]
    tags += [f"ref:{_UNSAFE_IN_TAG.sub('_', row.ref)}"] if row.ref else []
    unit, payee = _commodity(row.unit), _account(row.payee) if row.counted else IN_FLIGHT
    return (
        f"\n{row.moment:%Y-%m-%d} {mark} {code}{words}\n"
        f"    ; {', '.join(tags)}\n"
        f"    {payee}  {row.amount} {unit}\n"
        f"    {_account(row.payer)}  -{row.amount} {unit}\n"
    )


def _account(handle: str) -> str:
    return COMMONS_HANDLE if handle == COMMONS_HANDLE else f"members:{handle}"


def _commodity(unit: str) -> str:
    return f'"{_words(unit)}"'


def _words(text: str) -> str:
    """Words in one line that hledger takes for words and nothing else."""
    return " ".join(text.translate(_SHOWN_AS).split())
