"""The exit statuses of `tally` and `tally-devnet`: one number for each way a command can end, the same everywhere."""

DONE = 0
FAILED = 1
USAGE = 2
"""The command makes no sense as it was written."""
REFUSED = 3
"""The rules of the community forbid it."""
UNREACHABLE = 4
"""No node, or too few witnesses, answered."""
LOCKED = 5
NOT_FOUND = 6
NOT_FINAL = 7
"""Signed and recorded, but not final within the time given."""
INTERRUPTED = 130
