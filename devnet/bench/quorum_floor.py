"""The floor of a payment among six nodes: this protocol's signatures and rows, done by two processes and no network.

Per payment: the author signs once; each of 4 witnesses verifies the entry, stores it, signs a vote and stores that; the
author verifies 3 votes and stores the certificate; the 4 witnesses and the payee's node verify and store it too. 64
payments share a commit. Both processes together are what this machine's two cores could do.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path

import apsw
from nacl.bindings import crypto_sign, crypto_sign_keypair, crypto_sign_open

PROCESSES = 2
WITNESSES = 4
QUORUM = 3
A_COMMIT = 64
ENTRY = bytes(150)
VOTE = bytes(60)


def payments_per_s(count: int) -> float:
    """Payments a wall second, by two processes side by side."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(_payments, [64] * PROCESSES)  # warms up
        return sum(pool.map(_payments, [count // PROCESSES] * PROCESSES, chunksize=1))


def _payments(count: int) -> float:
    """Payments a wall second of this process."""
    public, secret = crypto_sign_keypair()
    with tempfile.TemporaryDirectory(prefix="tally-floor-") as folder:
        stores = [_store(Path(folder) / f"{name}.db") for name in range(2 + WITNESSES)]
        began = time.perf_counter()
        for start in range(0, count, A_COMMIT):
            _batch(stores, public, secret, range(start, min(count, start + A_COMMIT)))
        spent = time.perf_counter() - began
        for store in stores:
            store.close()
    return count / spent


def _store(file: Path) -> apsw.Connection:
    store = apsw.Connection(str(file))
    store.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    store.execute("CREATE TABLE record (n INTEGER PRIMARY KEY, kind INTEGER, seq INTEGER, body BLOB) STRICT")
    return store


def _batch(stores: list[apsw.Connection], public: bytes, secret: bytes, seqs: range) -> None:
    payer, payee, *witnesses = stores
    signed = [(seq, crypto_sign(ENTRY, secret)) for seq in seqs]
    _put(payer, 1, signed)
    for witness in witnesses:
        for _, entry in signed:
            crypto_sign_open(entry, public)
        _put(witness, 2, [*signed, *((seq, crypto_sign(VOTE, secret)) for seq in seqs)])
    votes = [(seq, crypto_sign(VOTE, secret)) for seq in seqs]
    for store in stores:
        for _, entry in signed if store is payee else ():
            crypto_sign_open(entry, public)
        for _, vote in votes:
            for _ in range(QUORUM):
                crypto_sign_open(vote, public)
        _put(store, 3, [*(signed if store is payee else ()), *((seq, vote * QUORUM) for seq, vote in votes)])


def _put(store: apsw.Connection, kind: int, rows: list[tuple[int, bytes]]) -> None:
    with store:
        store.executemany(
            "INSERT INTO record (kind, seq, body) VALUES (?, ?, ?)", [(kind, seq, body) for seq, body in rows]
        )
