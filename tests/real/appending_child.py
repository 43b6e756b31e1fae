"""Appends payments to the journal in the folder named on its command line until it is killed.

Run by test_journal_killed.py. After each append it writes the number of the last row as one line, in one write.
"""

import os
import sys
from pathlib import Path

from node.journal import Journal
from tests.node.journal_records import Chains


def main(folder: str, seed: str) -> None:
    journal = Journal.open(Path(folder), create=True)
    chains = Chains(int(seed))
    while True:
        last = journal.append(chains.payments(chains.rng.randint(1, 3)))
        os.write(1, b"%d\n" % last)


if __name__ == "__main__":
    main(*sys.argv[1:])
