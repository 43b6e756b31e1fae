"""The exit statuses of every command: one number for each way it can end, the same for all three programs."""

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
