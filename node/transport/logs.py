"""Keeps the libraries quiet: what libp2p and zeroconf say goes to our own logger or nowhere, never raw to stderr.

On import the library cuts its loggers off from the root and lets them write to stderr; some of its
modules log on the root logger itself. Call `capture_library_logs` once, after libp2p is imported.
"""

import logging

LOGGER = logging.getLogger("tallystick.transport")


class _Forward(logging.Handler):
    """Hands a library record on as one debug line, without its traceback.

    Whatever the library calls an error is here an attack, a peer that went away or a dial that
    failed; what an operator must know, our own code says.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if LOGGER.isEnabledFor(logging.DEBUG):
            LOGGER.debug("%s: %s", record.name, record.getMessage().splitlines()[0][:300])


class _NotFromLibrary(logging.Filter):
    """Lets through what was not written by a libp2p module on the root logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "/libp2p/" not in record.pathname.replace("\\", "/")


def capture_library_logs() -> None:
    """Send the libraries' loggers to `tallystick.transport` at debug level. Safe to call again."""
    for name in ("libp2p", "zeroconf"):
        library = logging.getLogger(name)
        library.handlers[:] = [_Forward()]
        library.propagate = False
        library.setLevel(logging.WARNING)
    root = logging.getLogger()
    if not root.handlers and logging.lastResort is not None:
        # else the library's first logging.debug() would install a handler of its own taste for everybody
        root.addHandler(logging.lastResort)
    if not any(isinstance(item, _NotFromLibrary) for item in root.filters):
        root.addFilter(_NotFromLibrary())
