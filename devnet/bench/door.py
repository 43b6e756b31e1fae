"""Metrics 1, 2 and 11: what one node's door costs a payment in CPU and on the disk. One process, no network."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from node.bookkeeper import Bookkeeper
from node.collector import spare_the_collector
from protocol.base import TAIL_MAX, AccountId
from protocol.entry import read_signed
from protocol.messages import Bundle, Deliver, decode_message, encode_message

from .figures import Figure, median
from .town import Town, door_of, found_town
from .yardsticks import Floor, verify_rate

MEMBERS = 50
ROUNDS = 5
PAYMENTS_A_COMMIT = 100
INGEST_A_COMMIT = 1_000
FRAMES_TOGETHER = 50
"""Frames that a busy peer sends in one go: they are read together, as `node.exchange` does it."""
TRUSTCHAIN_X_VERIFY = 0.110
"""TrustChain (pyipv8 2.4.0), payments a CPU-second over verifications a CPU-second, measured beside PyNaCl."""
POSTGRES_X_VERIFY = 0.199
"""PostgreSQL 15, double entry, 16 clients, durable; server CPU only, and it verifies nothing."""
TRUSTCHAIN_DISK_BYTES = 1_464
"""A TrustChain payment of two half-blocks on the disk."""
SIGNATURES_AN_ENTRY = 4


async def measure_pipeline(folder: Path, tell: Callable[[str], None]) -> Figure:
    """Metric 1: compose (taking in what is in flight), sign, decode, verify, judge, apply, 100 a durable commit."""
    ratios, rates, xs = [], [], []
    for number in range(ROUNDS):
        tell(f"payments through the door, {number + 1} of {ROUNDS}")
        floor = Floor(_room(folder, f"floor-{number}"))
        before, verify = floor.rate(1_000), verify_rate()
        rate = await _pipeline_rate(folder / f"pipeline-{number}")
        ratio = rate / ((before + floor.rate(1_000)) / 2)
        floor.close()
        ratios.append(ratio)
        rates.append(rate)
        xs.append(rate / ((verify + verify_rate()) / 2))
    raw = {
        "x_floor": ratios,
        "payments_per_cpu_s": rates,
        "x_verify": xs,
        "x_trustchain": median(xs) / TRUSTCHAIN_X_VERIFY,
        "x_postgresql": median(xs) / POSTGRES_X_VERIFY,
    }
    return Figure(1, "payments through one door", median(rates), "a CPU-second", "floor", median(ratios), 0.75, raw=raw)


async def _pipeline_rate(folder: Path) -> float:
    town, rng = found_town(MEMBERS), random.Random(1)
    accounts = list(town.keys)
    spent = payments = 0.0
    async with door_of(town, folder) as door:
        for _ in range(5):
            order = [account for account in accounts for _ in range(TAIL_MAX)]
            rng.shuffle(order)
            for start in range(0, len(order), PAYMENTS_A_COMMIT):
                began = time.process_time()
                for payer in order[start : start + PAYMENTS_A_COMMIT]:
                    _pay(town, door, payer, accounts[payer % len(accounts)])
                await door.ticket.durable()
                spent += time.process_time() - began
            payments += len(order)
            await _certify_all(town, door)
        _check(door)
    return payments / spent


def _pay(town: Town, door: Bookkeeper, payer: AccountId, payee: AccountId) -> None:
    raw = town.pay(door.ledger, payer, payee, 1).encode()
    door.take(Bundle((read_signed(raw),)))


async def _certify_all(town: Town, door: Bookkeeper) -> None:
    """Not timed: certificates are metric 2's."""
    heads = [door.ledger.chain(account) for account in town.keys]
    tails = [chain.tail[-1].signed for chain in heads if chain is not None and chain.tail]
    await door.submit(Bundle((), tuple(town.certificate(signed) for signed in tails)))


async def measure_ingest(folder: Path, tell: Callable[[str], None]) -> list[Figure]:
    """Metrics 2 and 11: entry and certificate of 3 votes as they come off the network, and their bytes on the disk."""
    ratios, rates, sizes = [], [], []
    for number in range(ROUNDS):
        tell(f"live ingest, {number + 1} of {ROUNDS}")
        before = verify_rate()
        rate, size = await _ingest_rate(folder / f"ingest-{number}", 3_000)
        limit = (before + verify_rate()) / 2 / SIGNATURES_AN_ENTRY
        rates.append(rate)
        sizes.append(size)
        ratios.append(rate / limit)
    ingest = Figure(
        2, "live ingest", median(rates), "entries with certificate a CPU-second", "limit of 4 verifications",
        median(ratios), 0.70, raw={"x_limit": ratios, "entries_per_cpu_s": rates},
    )  # fmt: skip
    disk = Figure(
        11, "disk", median(sizes), "bytes a payment with certificate", "TrustChain",
        median(sizes) / TRUSTCHAIN_DISK_BYTES, 0.5, more_is_better=False, raw={"bytes": sizes},
    )  # fmt: skip
    return [ingest, disk]


async def _ingest_rate(folder: Path, count: int) -> tuple[float, float]:
    """Entries a CPU-second, and bytes of the journal an entry with its certificate."""
    town = found_town(MEMBERS)
    async with door_of(town, folder.with_name(folder.name + "-author")) as author:
        frames = await _history(town, author, count)
    spare_the_collector()  # the author and its history are no part of what is measured
    async with door_of(town, folder) as door:
        door.journal.checkpoint()
        file = folder / "journal" / "journal.db"
        size = file.stat().st_size
        began = time.process_time()
        for start in range(0, count, FRAMES_TOGETHER):
            for message in [decode_message(frame) for frame in frames[start : start + FRAMES_TOGETHER]]:
                assert isinstance(message, Deliver)
                door.take(message.bundle)
            if (start + FRAMES_TOGETHER) % INGEST_A_COMMIT == 0:
                await door.ticket.durable()
        await door.ticket.durable()
        spent = time.process_time() - began
        _check(door)
        door.journal.checkpoint()
        return count / spent, (file.stat().st_size - size) / count


async def _history(town: Town, author: Bookkeeper, count: int) -> list[bytes]:
    """A life of payments, each taking in what is in flight to its payer, as frames."""
    rng, frames = random.Random(2), []
    for _ in range(count):
        payer, payee = rng.sample(list(town.keys), 2)
        signed = town.pay(author.ledger, payer, payee, 1)
        bundle = Bundle((signed,), (town.certificate(signed),))
        author.take(bundle)
        frames.append(encode_message(Deliver(0, bundle)))
    await author.ticket.durable()
    return frames


def _check(door: Bookkeeper) -> None:
    if door.ledger.check_sum() or door.failed is not None or len(door.waiting):
        raise AssertionError("the bench's ledger is wrong: no figure of this run counts")


def _room(folder: Path, name: str) -> Path:
    room = folder / name
    room.mkdir()
    return room
