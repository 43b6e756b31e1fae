"""A process that appends is killed with -9 at random: all that it acknowledged is there, and the lock is free."""

import random
import subprocess
import sys
import time
from pathlib import Path

from node.journal import Journal
from node.records import CertificateRecord, EntryRecord, Record

KILLS = 8
PROJECT = Path(__file__).parent.parent.parent


def append_and_be_killed(folder: Path, seed: int, alive_s: float) -> int:
    """Let a child append for `alive_s` after its first acknowledgement; returns the last row that it acknowledged."""
    command = [sys.executable, "-m", "tests.real.appending_child", str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(alive_s)
        child.kill()
        rest = child.stdout.read()
    lines = (first + rest).split(b"\n")[:-1]
    return int(lines[-1])


def test_what_was_acknowledged_before_kill_9_is_there(tmp_path: Path) -> None:
    rng = random.Random(1)
    folder = tmp_path / "journal"
    before: list[tuple[int, Record]] = []
    for seed in range(KILLS):
        acknowledged = append_and_be_killed(folder, seed, rng.uniform(0.0, 0.15))
        journal = Journal.open(folder, create=False)
        kept = list(journal.replay())
        journal.close()
        assert len(kept) >= acknowledged > len(before)
        assert kept[: len(before)] == before
        assert [row for row, _ in kept] == list(range(1, len(kept) + 1))
        assert_whole_payments([record for _, record in kept])
        before = kept


def assert_whole_payments(records: list[Record]) -> None:
    """An append is there whole or not at all: each entry is followed by its certificate."""
    for entry, certificate in zip(records[::2], records[1::2], strict=True):
        assert isinstance(entry, EntryRecord) and isinstance(certificate, CertificateRecord)
        assert entry.signed.id == certificate.certificate.place.id
