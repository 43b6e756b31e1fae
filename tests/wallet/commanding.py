"""Runs `tally` in this process, against a wallet that answers from a table instead of over HTTP."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wallet.__main__ import run
from wallet.client import CallFailed
from wallet.commands import session

HOME = Path("/nowhere/home")

BALANCE = {
    "account": 1, "handle": "ana", "balance": "-2.50", "incoming": "0.00", "limit": "20.00", "spendable": "17.50",
    "unit": "hours",
}  # fmt: skip
PAYMENT = {
    "id": "pay1abc", "state": "final", "payer": "ana", "payee": "bob", "amount": "2.50", "unit": "hours",
    "memo": "bread", "ref": None, "sealed": False, "time": 1700000000,
}  # fmt: skip
PREVIEW = {
    "payer": "ana", "payee": "bob", "amount": "2.50", "unit": "hours", "memo": "bread", "balance": "0.00",
    "balance_after": "-2.50", "spendable": "20.00", "locked": False, "payee_name": None, "payee_alike": [],
    "levy": "0.00",
}  # fmt: skip
ROW = {
    "id": "pay1abc", "kind": "paid", "state": "final", "other": "bob", "alike": [], "amount": "-2.50", "memo": "bread",
    "sealed": False, "ref": None, "time": 1700000000,
}  # fmt: skip
STATUS = {
    "community": "com1x", "name": "Elm", "unit": "hours", "decimals": 2, "members": 2, "witnesses": 1, "quorum": 1,
    "pid": 7, "peer_id": "12D3", "peers": ["12D4"], "witness": True, "locked": False,
    "handle": "ana", "standing": "open", "entries": 3, "sum": "0.00",
    "problems": [],
}  # fmt: skip


@dataclass(slots=True)
class TableClient:
    """Answers by address, and remembers what it was asked."""

    answers: Mapping[str, Any]
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def get(self, path: str) -> dict[str, Any]:
        return self._answer(path, None)

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float = 0) -> dict[str, Any]:
        return self._answer(path, dict(body))

    def lines(self, path: str, silence_s: float = 0) -> Iterator[bytes]:
        """What is long: lines as they were given; a failure among them is raised when it is its turn."""
        self.asked.append((path, None))
        for line in self.answers[path.split("?")[0].removeprefix("/v1/wallet/")]:
            if isinstance(line, CallFailed):
                raise line
            yield line

    def _answer(self, path: str, body: Any) -> dict[str, Any]:
        self.asked.append((path, body))
        found: Any = self.answers[path.split("?")[0].removeprefix("/v1/wallet/")]
        if isinstance(found, CallFailed):
            raise found
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str
    asked: list[tuple[str, Any]]

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


class Tally:
    """`tally` for one test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.answers: dict[str, Any] = {}
        self.homes: list[Path] = []

    def __call__(self, *arguments: str) -> Outcome:
        client = TableClient(self.answers)

        def connect(home: Path) -> TableClient:
            self.homes.append(home)
            return client

        self._monkeypatch.setattr(session, "connect", connect)
        self._monkeypatch.setenv("TALLY_HOME", str(HOME))
        status = run(arguments)
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err, client.asked)


def refused(code: str, exit_status: int, **facts: Any) -> CallFailed:
    return CallFailed(code, f"It is {code}.", exit_status=exit_status, next="Do this.", facts=facts)
