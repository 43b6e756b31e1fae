"""`tally-devnet up`: start a whole community on this machine and let it live."""

from math import inf
from pathlib import Path

import click

from node.console.commandline import Duration
from wallet.client import CallFailed

from ..control import is_running
from ..homes import DevnetHome, settle_plan
from ..launcher import Mode
from ..plan import MEMBERS_MAX, WITNESSES_MAX
from ..running import Devnet, Wishes, new_board
from ..terminal import hint, speaker
from ..traffic import Pace
from .options import devnet_command


@devnet_command("up", examples=("tally-devnet up", "tally-devnet up --members 6 --traffic busy --fresh"))
@click.option("--members", type=click.IntRange(1, MEMBERS_MAX), help="How many members; 8 at first.")
@click.option("--witnesses", type=click.IntRange(1, WITNESSES_MAX), help="How many are witnesses; 4 at first.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Trades and traffic follow from it; 7 at first.")
@click.option("--traffic", type=click.Choice(["calm", "busy", "off"]), default="calm", help="How lively they pay.")
@click.option("--fresh", is_flag=True, help="Forget the state of earlier runs.")
@click.option("--for", "for_s", type=Duration(inf), default=inf, help="End by itself after this long, as 60s.")
@click.option("--mode", type=click.Choice(["fork", "process"]), default="fork", help="How nodes are started.")
def up(
    members: int | None, witnesses: int | None, seed: int | None, traffic: Pace, fresh: bool, for_s: float, mode: Mode,
    home: Path, as_json: bool,
) -> None:  # fmt: skip
    """Start a community of real nodes here, with members who pay one another, until Ctrl-C or `down`."""
    import trio

    if is_running(home):
        raise CallFailed(
            "already_running", f"A devnet is running in {home} already.",
            next="Use it, or end it with `tally-devnet down`, or name another folder with --home.",
        )  # fmt: skip
    place = DevnetHome(home)
    if fresh:
        place.wipe()
    wanted = {"members": members, "witnesses": witnesses, "seed": seed}
    try:
        plan, is_new = settle_plan(place, {name: number for name, number in wanted.items() if number is not None})
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    if not as_json:
        hint(f"Starting {plan.members} nodes ...")
    if is_new:
        place.create()
    board = new_board(plan)
    with speaker(board, as_json) as voice:
        trio.run(Devnet(place, plan, Wishes(traffic, for_s, mode), board, voice).run)
