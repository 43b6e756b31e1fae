"""Carries a devnet from its plan to its end: start the nodes, let them live, stop them.

The one long-lived nursery of `tally-devnet up` is here. It ends by Ctrl-C, by `down`, or after `--for`; in every case
each child is asked to end, and killed when it does not.
"""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import trio

from node.amounts import format_amount

from .board import MEMBER_HEADER, Board, Event, MemberRow, in_columns
from .community import Community
from .control import open_control, serve
from .homes import DevnetHome, default_home
from .launcher import Launcher, Mode
from .living import Living
from .orders import Orders
from .plan import Plan, quorum_of
from .preparing import prepare
from .terminal import Speaker
from .traffic import Pace, Traffic

CHILD = "devnet.child"
STOP_ALL_S = 8.0
"""What all children together may take to end; the launcher kills each that takes longer."""
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a devnet is to run; none of it is kept between runs."""

    pace: Pace = "calm"
    for_s: float = inf
    mode: Mode = "fork"


def new_board(plan: Plan) -> Board:
    """The picture of a plan before anything has started."""
    members = {person.handle: MemberRow(person.role, limit=plan.limit) for person in plan.people}
    return Board(plan.unit, plan.decimals, members)


class Devnet:
    """One run of the devnet that was founded in `home`."""

    def __init__(self, home: DevnetHome, plan: Plan, wishes: Wishes, board: Board, speaker: Speaker) -> None:
        self._home = home
        self._plan = plan
        self._wishes = wishes
        self._board = board
        self._speaker = speaker
        self._traffic = Traffic(plan.people, wishes.pace, plan.seed)
        self._ended = trio.Event()

    async def run(self) -> None:
        """Run until it is ended. Raises ChildRefused when a node does not start, OSError when another runs here."""
        control = open_control(self._home.root)
        with Launcher(self._wishes.mode, f"{CHILD}:run", preload=[CHILD]) as launcher:
            async with trio.open_nursery() as nursery:
                community = Community(self._home, self._plan.people, launcher, nursery, self._tell)
                nursery.start_soon(self._await_signal)
                orders = Orders(community, self._board, self._traffic, self._ended.set)
                nursery.start_soon(serve, control, orders.carry_out)
                try:
                    await self._live(community, launcher)
                finally:
                    with trio.CancelScope(shield=True, deadline=trio.current_time() + STOP_ALL_S):
                        await community.stop_all()
                nursery.cancel_scope.cancel()

    def _tell(self, event: Event) -> None:
        self._board.note(event)
        self._speaker.event(event)

    async def _live(self, community: Community, launcher: Launcher) -> None:
        """Start all, tell that they are ready, and let them live until somebody ends it."""
        async with trio.open_nursery() as life:
            life.start_soon(self._cancel_when_ended, life.cancel_scope)
            await prepare(launcher, self._home, self._plan)
            await community.start_all()
            self._introduce(community)
            living = Living(community, self._traffic, self._plan, self._tell)
            life.start_soon(living.look)
            life.start_soon(living.trade)
            await trio.sleep(self._wishes.for_s)
            self._ended.set()

    async def _cancel_when_ended(self, life: trio.CancelScope) -> None:
        await self._ended.wait()
        self._tell({"event": "ending", "words": "ending: every node closes its books"})
        life.cancel()

    async def _await_signal(self) -> None:
        """Ctrl-C and its like end the devnet in order; a second one does not wait for the nodes."""
        with trio.open_signal_receiver(*ENDING_SIGNALS) as signals:
            async for _ in signals:
                if self._ended.is_set():
                    raise KeyboardInterrupt
                self._ended.set()

    def _introduce(self, community: Community) -> None:
        """Say who is there and how to reach them: once, when all are ready."""
        for line in community.listing():
            self._board.members[line["handle"]].api = line["api"]
        self._speaker.banner(self._banner())
        listed = ("handle", "home", "api", "pid", "peer_id", "witness")
        members = [{name: line[name] for name in listed} for line in community.listing()]
        words = "ready, Ctrl-C ends all of it"
        self._tell({"event": "ready", "unit": self._plan.unit, "members": members, "words": words})

    def _banner(self) -> Iterable[str]:
        plan, root = self._plan, self._home.root
        votes = quorum_of(plan.witnesses)
        yield f"{plan.name}: {plan.members} members, {plan.witnesses} witnesses, {votes} votes make a payment final."
        yield f"Home: {root}"
        yield ""
        yield from in_columns([MEMBER_HEADER, *self._board.member_rows()])
        yield ""
        named = "" if root == default_home() else f" --home {root}"
        first, *others = (person.handle for person in plan.people)
        yield "In another shell:"
        yield f"  tally --home {self._home.member(first)} balance"
        for payee in others[:1]:
            amount = format_amount(250, plan.decimals)
            yield f"  tally --home {self._home.member(first)} pay @{payee} {amount} --memo bread --yes"
            yield f"  tally-devnet kill {payee}{named}              and then: start {payee}"
            yield f"  tally-devnet partition {first}{named}         and then: heal"
            yield f"  tally-devnet double-spend {payee}{named}"
        yield ""
