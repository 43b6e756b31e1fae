"""The commands that move money: pay, receive, refund."""

from collections.abc import Mapping
from typing import Any

import click

from node.console.commandline import Duration
from node.console.exits import LOCKED, REFUSED, USAGE
from wallet.client import CallFailed, Client
from wallet.commands.session import Session, command
from wallet.commands.showing import alike_words, as_option

ANSWER_MARGIN_S = 20.0
"""How much longer than --timeout the command waits for the wallet's answer."""

wait_option = click.option(
    "--wait",
    type=click.Choice(["recorded", "final", "seen"]),
    default="final",
    show_default=True,
    help="Come back when the payment is in that state.",
)
timeout_option = click.option(
    "--timeout", "timeout_s", type=Duration(), default="30s", show_default=True, help="How long to wait for it."
)


@command("pay", examples=(
    'tally pay @bob 2.50 --memo "bread"',
    'tally pay @bob 2.50 --memo "a secret" --sealed',
    "tally pay @bob 2.50 --ref order-17 --yes --json",
))  # fmt: skip
@click.argument("payee", metavar="@PAYEE")
@click.argument("amount")
@click.option("--memo", help="What it is for; everybody in the community can read it.")
@click.option("--sealed", is_flag=True, help="Only you and the payee can read the memo.")
@click.option("--ref", help="Your own name for this payment: the same --ref is never paid twice.")
@as_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
@timeout_option
def pay(session: Session, payee: str, amount: str, memo: str | None, sealed: bool, ref: str | None,
        handle: str | None, yes: bool, wait: str, timeout_s: float) -> None:  # fmt: skip
    """Pay @PAYEE an AMOUNT, such as 2.50."""
    terminal = session.terminal
    if not yes and not terminal.can_ask:
        raise CallFailed(
            "needs_yes", "Nobody can be asked here whether to pay.", exit_status=USAGE, next="Add --yes to pay at once."
        )
    client = session.client()
    order = {"payee": payee, "amount": amount, "memo": memo, "sealed": sealed, "ref": ref, "as": handle}
    if not yes and not terminal.agrees(preview_lines(preview(client, order)), "Pay?"):
        raise CallFailed("not_agreed", "Nothing was paid.")
    made = move(client, "/v1/wallet/pay", {**order, "wait": wait, "timeout_s": timeout_s}, timeout_s)
    terminal.answer(payment_fields(made), payment_lines(made))


def preview(client: Client, order: Mapping[str, Any]) -> dict[str, Any]:
    """What the payment would do. Raises CallFailed when it needs a key and the wallet is locked."""
    found = client.post("/v1/wallet/preview", order)
    if found["locked"] and order["ref"] is None:
        raise CallFailed(
            "locked", "The wallet is locked, so nothing can be signed.", exit_status=LOCKED, next="Run `tally unlock`."
        )
    return found


def preview_lines(found: Mapping[str, Any]) -> list[str]:
    """What is about to happen."""
    locked = ["the wallet is locked: nothing new is paid, only what was signed under this ref goes on"]
    memo = f' for "{found["memo"]}"' if found["memo"] else ""
    unit, name = found["unit"], f' ("{found["payee_name"]}")' if found["payee_name"] else ""
    return (locked if found["locked"] else []) + [
        f"@{found['payer']} pays @{found['payee']}{name} {found['amount']} {unit}{memo}",
        *([f"take care: @{found['payee']} {alike_words(found['payee_alike'])}"] if found["payee_alike"] else []),
        *([f"and a levy of {found['levy']} {unit} goes to the commons"] if found["levy"].strip("0.") else []),
        f"balance now {found['balance']} {unit}, afterwards {found['balance_after']} {unit}",
    ]


def move(client: Client, path: str, body: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
    """Have something paid. Raises CallFailed; its facts name the payment when there is one."""
    made = client.post(path, body, timeout_s + ANSWER_MARGIN_S)
    if made["state"] in ("conflict", "refused"):
        raise CallFailed(
            made["state"], f"The payment will not become final: {made['state']}.", exit_status=REFUSED,
            next="See `tally status`; your stewards can help.", facts={"id": made["id"], "state": made["state"]},
        )  # fmt: skip
    return made


def payment_fields(made: Mapping[str, Any]) -> dict[str, Any]:
    """What --json shows of a payment just made; `tally show` has the rest."""
    return {name: made[name] for name in ("id", "state", "payer", "payee", "amount", "unit", "memo", "ref")}


def payment_lines(made: Mapping[str, Any]) -> list[str]:
    """What came of a payment; "paid" is said of what is final."""
    payer, payee, amount = f"@{made['payer']}", f"@{made['payee']}", f"{made['amount']} {made['unit']}"
    is_final = made["state"] in ("final", "seen")
    line = f"{payer} paid {payee} {amount}" if is_final else f"{payer} wrote a payment of {amount} to {payee}"
    return [f"{line}: {made['state']}", made["id"]]


@command("receive", examples=("tally receive",))
@as_option
@wait_option
@timeout_option
def receive(session: Session, handle: str | None, wait: str, timeout_s: float) -> None:
    """Take in what is in flight to you now; otherwise it comes in with your next payment."""
    body = {"as": handle, "wait": wait, "timeout_s": timeout_s}
    taken = session.client().post("/v1/wallet/receive", body, timeout_s + ANSWER_MARGIN_S)
    if taken["parcels"] == 0:
        session.terminal.answer(taken, ["nothing is in flight to you"])
        return
    payments = "payment" if taken["parcels"] == 1 else "payments"
    line = f"took in {taken['amount']} {taken['unit']} from {taken['parcels']} {payments}: {taken['state']}"
    session.terminal.answer(taken, [line])


@command("refund", examples=("tally refund pay1...",))
@click.argument("id")
@wait_option
@timeout_option
def refund(session: Session, id: str, wait: str, timeout_s: float) -> None:
    """Send the payment ID back to who paid it: untouched if still in flight, else as a new payment that names it."""
    client = session.client()
    made = move(client, "/v1/wallet/refund", {"id": id, "wait": wait, "timeout_s": timeout_s}, timeout_s)
    session.terminal.answer(payment_fields(made), payment_lines(made))
