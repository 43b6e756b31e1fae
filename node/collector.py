"""How a node's process spares Python's garbage collector: once, when everything that stays is loaded."""

import gc

COLLECT_AFTER = (20_000, 20, 20)
"""Objects more, and younger rounds, before the garbage collector looks at each generation."""


def spare_the_collector() -> None:
    """Take what is loaded by now, some hundred thousand objects that stay, out of the garbage collector's rounds.

    It would look at all of them again and again: some per cent of the node's time, and the longest of its pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
