"""The command that has the system start node and wallet by itself: service."""

from node.commands.service import offer, service_options
from wallet.client import require_wallet
from wallet.commands.session import Session, command, usual_home


@command("service", examples=("tally service", "tally service --install"))
@service_options
def service(session: Session, install: bool, system: bool) -> None:
    """Show a systemd unit that starts node and wallet by itself, or with --install write it.

    A wallet with a passphrase starts locked, and signs after `tally unlock`.
    """
    require_wallet(session.home)
    offer(session.terminal, "tally", "wallet", "up", session.home, usual_home(), install=install, system=system)
