"""The time of day, for what expires by it: cards, requests, invites. No rule of the ledger reads it."""

import time


def now_s() -> int:
    """Seconds since 1970, as this computer believes."""
    return int(time.time())
