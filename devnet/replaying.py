"""Runs a replay from the stage to the report: four homes started, members admitted, rows paid, homes stopped."""

import signal
from collections.abc import Callable

import trio

from .board import Event
from .community import Community
from .control import open_control, serve
from .csv_rows import Table
from .homes import DevnetHome
from .launcher import Launcher
from .outcomes import Outcomes
from .pipe import ChildRefused, Fields
from .replay import Replay
from .report import Report
from .running import CHILD, STOP_ALL_S
from .staging import Terms, admit_all, people, set_stage


async def run_replay(
    home: DevnetHome, table: Table, terms: Terms, name: str, tell: Callable[[Event], None],
    moved: Callable[[int, str], None], admitting: Callable[[int, int], None],
) -> Report:  # fmt: skip
    """Replay `table` in `home`. Raises ReplayFailed, HomeTaken, ChildRefused, PipeClosed and OSError, alone or in a
    group; whatever was paid until then is kept.
    """
    with Launcher("fork", f"{CHILD}:run", preload=[CHILD]) as launcher:
        cast = await set_stage(launcher, home, table, terms, name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, open_control(home.root), _no_orders)
            nursery.start_soon(_await_signal)
            community = Community(home, people(), launcher, nursery, _no_news)
            try:
                await community.start_all()
                await admit_all(community, admitting)
                with Outcomes(home.root / "outcomes") as outcomes:
                    run = Replay(community, table, cast, terms.limit, outcomes, tell, moved)
                    report = await run.run(terms.decimals)
            finally:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_ALL_S):
                    await community.stop_all()
            nursery.cancel_scope.cancel()
    return report


async def _no_orders(fields: Fields) -> Fields:
    """The control socket is there so that no second replay starts in this home."""
    raise ChildRefused("usage", "a replay takes no orders", {"given": str(fields.get("do"))})


def _no_news(_: Event) -> None:
    """What becomes of the homes shows in the replay itself."""


async def _await_signal() -> None:
    """Ctrl-C ends the replay in order; it goes on from there when it is started again."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for _ in signals:
            raise KeyboardInterrupt
