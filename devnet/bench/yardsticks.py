"""What everything is measured against: signatures a CPU-second, and the floor, the least work a payment can be.

The floor is a payment as two signed entries (one by the payer, one by the payee), each verified, hash-linked, added to
balances and stored, 100 payments to a durable commit; no network, no rules, no certificate. It keeps its own small
table, so that it stays the same whatever the journal becomes.
"""

import time
from hashlib import blake2b
from pathlib import Path

import apsw
import msgpack
from nacl.bindings import crypto_sign, crypto_sign_keypair, crypto_sign_open

MESSAGE_BYTES = 300
PEOPLE = 50


def verify_rate(count: int = 4_000) -> float:
    """PyNaCl Ed25519 verifications of 300 bytes a CPU-second."""
    public, secret = crypto_sign_keypair()
    signed = crypto_sign(b"x" * MESSAGE_BYTES, secret)
    start = time.process_time()
    for _ in range(count):
        crypto_sign_open(signed, public)
    return count / (time.process_time() - start)


class Floor:
    """Bilateral payments over a table in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._db = apsw.Connection(str(folder / "floor.db"))
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, author INTEGER, seq INTEGER, body BLOB) STRICT")
        self._db.execute("CREATE UNIQUE INDEX place ON entry (author, seq)")
        self._keys = [crypto_sign_keypair() for _ in range(PEOPLE)]
        self._heads = [(0, bytes(32))] * PEOPLE
        self._balances = [0] * PEOPLE

    def rate(self, payments: int, a_commit: int = 100) -> float:
        """Payments a CPU-second."""
        rows: list[tuple[int, int, bytes]] = []
        start = time.process_time()
        for number in range(payments):
            payer, payee = number % PEOPLE, (number * 7 + 1) % PEOPLE
            rows += [self._entry(payer, -1_250, payee), self._entry(payee, 1_250, payer)]
            if len(rows) == 2 * a_commit:
                self._store(rows)
                rows = []
        self._store(rows)
        spent = time.process_time() - start
        if sum(self._balances):
            raise AssertionError("the floor's balances do not sum to zero")
        return payments / spent

    def close(self) -> None:
        self._db.close()

    def _entry(self, author: int, amount: int, other: int) -> tuple[int, int, bytes]:
        public, secret = self._keys[author]
        seq, prev = self._heads[author]
        note = "two hours of gardening"
        fields = (1, public, seq + 1, prev, self._keys[other][0], amount + 2_000, 1_760_000_000, note)
        raw = crypto_sign(msgpack.packb(fields), secret)
        version, signer, placed, linked, *_ = msgpack.unpackb(crypto_sign_open(raw, public))
        if (version, signer, placed, linked) != (1, public, seq + 1, prev):
            raise AssertionError("the floor's chain is broken")
        self._heads[author] = placed, blake2b(raw, digest_size=32).digest()
        self._balances[author] += amount
        return author, placed, raw

    def _store(self, rows: list[tuple[int, int, bytes]]) -> None:
        with self._db:
            self._db.executemany("INSERT INTO entry (author, seq, body) VALUES (?, ?, ?)", rows)
