"""The time of day, for what expires by it: cards, requests, invites. No rule of the ledger reads it."""

import time


def now_s() -> int:
    """Seconds since 1970, as this computer believes."""
    return int(time.time())


def day(at_s: int) -> str:
    """The day of a time in seconds since 1970, as 2026-11-22 (UTC)."""
    return time.strftime("%Y-%m-%d", time.gmtime(at_s))
