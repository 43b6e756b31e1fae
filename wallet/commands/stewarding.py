"""The commands of stewards about members and acts: limit, suspend, reinstate, charge, acts, sign, stewards."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import click

from node.console.commandline import Duration
from node.console.exits import LOCKED, NOT_FINAL, REFUSED, USAGE
from wallet.client import CallFailed, Client
from wallet.commands.paying import ANSWER_MARGIN_S
from wallet.commands.session import Session, command
from wallet.commands.showing import as_option, counted, when

ACTS = "/v1/wallet/acts"

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
decide_option = click.option(
    "--timeout", "timeout_s", type=Duration(), default="30s", show_default=True,
    help="How long to wait for the decision, when no other steward is needed.",
)  # fmt: skip


def propose(session: Session, order: Mapping[str, Any], *, yes: bool, timeout_s: float) -> None:
    """Show what an act would do, ask, compose and sign it, and say how far it is."""
    require_asking(session, yes=yes)
    client = session.client()
    body = {name: value for name, value in order.items() if value is not None}
    found = client.post(f"{ACTS}/preview", body)
    if found["locked"]:
        raise CallFailed(
            "locked", "The wallet is locked, so nothing can be signed.", exit_status=LOCKED, next="Run `tally unlock`."
        )
    if not yes and not session.terminal.agrees(preview_lines(found), "Sign?"):
        raise CallFailed("not_agreed", "Nothing was signed.")
    tell(session, client.post(ACTS, {**body, "timeout_s": timeout_s}, timeout_s + ANSWER_MARGIN_S))


def require_asking(session: Session, *, yes: bool) -> None:
    """Raise CallFailed where nobody can be asked and nothing was said."""
    if not yes and not session.terminal.can_ask:
        raise CallFailed("needs_yes", "Nobody can be asked here whether to sign.", exit_status=USAGE,
                         next="Add --yes to sign at once.")  # fmt: skip


def preview_lines(found: Mapping[str, Any]) -> list[str]:
    """What is about to be signed."""
    return [*found["words"], "this decides it" if found["alone"] else "other stewards have to sign it too"]


def tell(session: Session, act: Mapping[str, Any]) -> None:
    """Say how far an act is. Raises CallFailed when it came to nothing."""
    if act["state"] == "refused":
        raise CallFailed("refused", act["reason"], exit_status=REFUSED, next="See `tally acts`.")
    if act["state"] in ("deciding", "waiting"):
        kept = "signed, and not decided yet" if act["state"] == "deciding" else "kept, and not in force yet"
        raise CallFailed(
            "timeout", f"It is {kept}.", exit_status=NOT_FINAL,
            facts={"act": act["act"], "state": act["state"]},
            next="It goes on by itself; look again with `tally acts`.",
        )  # fmt: skip
    session.terminal.answer(act, act_lines(act))
    if act["state"] == "collecting" and len(act["signed"]) >= act["needed"]:
        session.terminal.hint("Enough have signed it, but not in one round: it goes on by itself.")
    elif act["missing"] and act["state"] == "collecting":
        session.terminal.hint(f"Another steward signs it with `tally sign {act['act']}`.")


def act_lines(act: Mapping[str, Any]) -> list[str]:
    """An act on a screen: its name and state, what it does, who signed and who is missing."""
    lines = [f"{act['act'] or '-':8}  {act['state']:10}  {act['words'][0]}"]
    lines += [f"{'':22}{words}" for words in act["words"][1:]]
    signed = names(act["signed"])
    if act["state"] in ("collecting", "deciding", "called"):
        verb = "accepted" if act["state"] == "called" else "signed"
        missing = f"; missing: {names(act['missing'])}" if act["missing"] else ""
        lines.append(f"{'':22}{verb} by {signed or 'nobody'}, {act['needed']} needed{missing}")
    elif act["state"] == "in force" and act["time"]:
        lines.append(f"{'':22}{when(act['time'])}, signed by {signed}")
    return lines + ([f"{'':22}{act['reason']}"] if act["reason"] else [])


def names(handles: Sequence[str]) -> str:
    """Handles in a row."""
    return ", ".join(f"@{handle}" for handle in handles)


@command("limit", examples=("tally limit @bob 100",))
@click.argument("member", metavar="@MEMBER")
@click.argument("amount")
@yes_option
@decide_option
def limit(session: Session, member: str, amount: str, yes: bool, timeout_s: float) -> None:
    """Set how far below zero @MEMBER may go (stewards)."""
    propose(session, {"act": "limit", "member": member, "limit": amount}, yes=yes, timeout_s=timeout_s)


@command("suspend", examples=("tally suspend @bob", "tally suspend @bob --freeze --yes"))
@click.argument("member", metavar="@MEMBER")
@click.option("--freeze", is_flag=True, help="Not even receive: the account writes nothing any more.")
@yes_option
@decide_option
def suspend(session: Session, member: str, freeze: bool, yes: bool, timeout_s: float) -> None:
    """Stop @MEMBER from paying; receiving goes on (stewards)."""
    order = {"act": "freeze" if freeze else "suspend", "member": member}
    propose(session, order, yes=yes, timeout_s=timeout_s)


@command("reinstate", examples=("tally reinstate @bob",))
@click.argument("member", metavar="@MEMBER")
@yes_option
@decide_option
def reinstate(session: Session, member: str, yes: bool, timeout_s: float) -> None:
    """Let a suspended @MEMBER pay again (stewards)."""
    propose(session, {"act": "reinstate", "member": member}, yes=yes, timeout_s=timeout_s)


@command("charge", examples=(
    'tally charge @bob 3 --reason "one hour of cleaning the hall"',
    'tally charge @bob 5 --to --reason "for the new gate"',
))  # fmt: skip
@click.argument("member", metavar="@MEMBER")
@click.argument("amount")
@click.option("--reason", default="", metavar="TEXT", help="What for; everybody can read it.")
@click.option("--to", "is_grant", is_flag=True, help="The other way: the commons gives the AMOUNT to @MEMBER.")
@yes_option
@decide_option
def charge(session: Session, member: str, amount: str, reason: str, is_grant: bool, yes: bool,
           timeout_s: float) -> None:  # fmt: skip
    """Take an AMOUNT from @MEMBER for the commons, or with --to give it from the commons to @MEMBER (stewards)."""
    order = {"act": "grant" if is_grant else "charge", "member": member, "amount": amount, "reason": reason}
    propose(session, order, yes=yes, timeout_s=timeout_s)


@command("acts", examples=("tally acts",))
@click.option("--withdraw", metavar="ACT", help="Want this act no longer; who signed it with you may still decide it.")
def acts(session: Session, withdraw: str | None) -> None:
    """List what stewards are deciding, who signed and who is missing, and the last acts in force."""
    client = session.client()
    if withdraw is not None:
        gone = client.post(f"{ACTS}/{quote(withdraw, safe='')}/withdraw", {})
        session.terminal.answer(gone, [f"{gone['act']} withdrawn: {gone['words'][0]}"])
        return
    found = client.get(ACTS)
    lines = [line for act in (*found["open"], *found["past"]) for line in act_lines(act)]
    session.terminal.answer(found, lines or ["nothing was decided since the founding"])
    to_sign = [act["act"] for act in found["open"] if not act["here"] and act["state"] == "collecting"]
    if to_sign and found["steward"]:
        session.terminal.hint(f"Sign one with `tally sign {to_sign[0]}`.")


@command("sign", examples=("tally sign 3f8a...",))
@click.argument("act")
@yes_option
@decide_option
def sign(session: Session, act: str, yes: bool, timeout_s: float) -> None:
    """Sign the open ACT, named by the beginning of its id; or accept a call to be a steward.

    Signed again after a tie or a change of mind, it goes into the next round.
    """
    require_asking(session, yes=yes)
    client = session.client()
    if not yes and not session.terminal.agrees(act_lines(one_of(client, act)), "Sign?"):
        raise CallFailed("not_agreed", "Nothing was signed.")
    path = f"{ACTS}/{quote(act, safe='')}/sign"
    tell(session, client.post(path, {"timeout_s": timeout_s}, timeout_s + ANSWER_MARGIN_S))


def one_of(client: Client, prefix: str) -> dict[str, Any]:
    """The open act that is meant, to be shown; the wallet says what is wrong with the name."""
    found = [act for act in client.get(ACTS)["open"] if prefix and act["id"].startswith(prefix.lower())]
    if len(found) == 1:
        return dict(found[0])
    words = "Several acts begin so." if found else "No open act is called that."
    raise CallFailed("bad_request" if found else "not_found", words, exit_status=USAGE, next="See `tally acts`.")


@command("stewards", examples=(
    "tally stewards",
    "tally stewards --serve",
    "tally stewards --set @ana,@bob,@cem --of 2",
))  # fmt: skip
@click.option("--serve", is_flag=True, help="Say that you would be a steward.")
@click.option("--set", "members", metavar="@A,@B,@C", help="Ask these members to be the stewards from now on.")
@click.option("--of", "needed", type=click.IntRange(1, 16), metavar="N", help="How many of them have to sign an act.")
@as_option
@yes_option
def stewards(session: Session, serve: bool, members: str | None, needed: int | None, handle: str | None,
             yes: bool) -> None:  # fmt: skip
    """List the stewards, say that you would be one, or ask members to be the stewards.

    Whoever is asked accepts with `tally sign`; when all have, the act is proposed by itself.
    """
    if serve and members is not None:
        raise CallFailed("usage", "Serve, or ask others, not both.", exit_status=USAGE)
    if (members is None) != (needed is None):
        raise CallFailed("usage", "Say who, and how many of them sign: --set @a,@b,@c --of 2.", exit_status=USAGE)
    client = session.client()
    if members is not None:
        asked = [name.strip() for name in members.split(",") if name.strip()]
        require_asking(session, yes=yes)
        question = [f"new stewards: {', '.join(asked)}; {needed} of {len(asked)} sign", "each has to accept first"]
        if not yes and not session.terminal.agrees(question, "Ask them?"):
            raise CallFailed("not_agreed", "Nobody was asked.")
        tell(session, client.post("/v1/wallet/stewards/call", {"members": asked, "needed": needed, "as": handle}))
        return
    found = client.post("/v1/wallet/stewards/serve", {"as": handle}) if serve else client.get("/v1/wallet/stewards")
    session.terminal.answer(found, steward_lines(found))


def steward_lines(found: Mapping[str, Any]) -> list[str]:
    """Who the stewards are."""
    listed = found["stewards"]
    sign = f"{counted(len(listed), 'steward')}, {found['needed']} of them sign an act"
    lines = [sign if len(listed) > 1 else "one steward decides alone"]
    for number, one in enumerate(listed, 1):
        called = f"@{one['handle']}" if one["handle"] else f"steward-{number} (key {one['key'][:16]})"
        lines.append(f"  {called}{' (you)' if one['own'] else ''}")
    return lines + ([f"would serve: {names(found['willing'])}"] if found["willing"] else [])
