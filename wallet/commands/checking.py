"""The command that checks the books."""

import click

from wallet.client import CallFailed
from wallet.commands.session import Session, command
from wallet.commands.showing import counted

VERIFY_TIMEOUT_S = 3600.0


@command("verify", examples=("tally verify", "tally verify --full"))
@click.option("--full", is_flag=True, help="Judge every entry again from its bytes; takes a while.")
def verify(session: Session, full: bool) -> None:
    """Check the books of this node: the file, the sum of all balances, and with --full every entry from its bytes."""
    found = session.client().post("/v1/wallet/verify", {"full": full}, VERIFY_TIMEOUT_S)
    if found["faults"]:
        raise CallFailed(
            "books_wrong", "The books of this node are wrong: " + "; ".join(found["faults"]) + ".",
            next="Stop the node, keep a copy of the home, and ask your stewards for help.",
            facts={"faults": len(found["faults"])},
        )  # fmt: skip
    entries = counted(found["entries"], "entry", "entries")
    checked = f"{entries} checked again from the bytes" if full else entries
    session.terminal.answer(
        found, [f"the books are right: {checked}, sum of all balances {found['sum']} {found['unit']}"]
    )
