"""The commands about what the community agreed on: community, charter."""

import click

from wallet.commands.session import Session, command
from wallet.commands.stewarding import decide_option, propose, yes_option


@command("community", examples=("tally community",))
def community(session: Session) -> None:
    """Tell the charter in words: what holds for everybody, who decides, and what the witnesses tolerate."""
    found = session.client().get("/v1/wallet/community")
    session.terminal.answer(found, [*found["words"], f"id: {found['id']}"])


@command("charter", examples=("tally charter", "tally charter --levy 1% --least 0.25"))
@click.option("--least", metavar="AMOUNT", help="The smallest payment between members.")
@click.option("--ceiling", metavar="AMOUNT", help="No balance above this; 0 for none.")
@click.option("--levy", metavar="PERCENT", help="What part of payments goes to the commons, such as 2%.")
@click.option("--commons-limit", metavar="AMOUNT", help="How far the commons may go below zero.")
@yes_option
@decide_option
def charter(session: Session, least: str | None, ceiling: str | None, levy: str | None, commons_limit: str | None,
            yes: bool, timeout_s: float) -> None:  # fmt: skip
    """Show the charter, or with options change it (stewards)."""
    asked = {"least": least, "ceiling": ceiling, "levy": levy, "commons_limit": commons_limit}
    if all(value is None for value in asked.values()):
        found = session.client().get("/v1/wallet/community")
        terms = found["charter"]
        unit = found["unit"]
        session.terminal.answer(
            terms,
            [
                f"least payment  {terms['least_send']} {unit}",
                f"ceiling        {terms['ceiling'] + ' ' + unit if terms['ceiling'] else 'none'}",
                f"levy           {terms['levy']}",
                f"commons limit  {terms['commons_limit']} {unit}",
            ],
        )
        return
    propose(session, {"act": "charter", **asked}, yes=yes, timeout_s=timeout_s)
