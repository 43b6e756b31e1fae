"""`tally init --join`: makes a home that asks to be admitted to a community, and asks at once.

First the invite is looked at from all sides, so that a bad one leaves nothing behind, and nobody is asked for a
passphrase in vain. The same command in a home that is still asking puts another request in the place of its first.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.commands.addresses import take_addresses
from node.console.exits import REFUSED, USAGE
from wallet.client import CallFailed
from wallet.commands.keys import plain_failure
from wallet.commands.papers import text_of
from wallet.commands.passphrases import asked_passphrase, forbid_core_dumps, given_passphrase, new_passphrase
from wallet.commands.session import Session
from wallet.commands.showing import counted

if TYPE_CHECKING:
    from protocol.invite import Invite
    from protocol.ledger import Ledger
    from wallet.home import Home
    from wallet.joining.applying import Applicant


@dataclass(frozen=True, slots=True)
class Wish:
    """What was said beside the invite."""

    handle: str
    greeting: str
    listen: str | None
    announce: tuple[str, ...]
    no_passphrase: bool


def join(
    session: Session, given: str, wish: Wish, passphrase_file: str | None = None, passphrase_fd: int | None = None
) -> None:
    """Ask to be admitted by the invite that `given` is or names. Raises CallFailed."""
    from wallet.errors import WalletError
    from wallet.home import Home
    from wallet.joining.kept import check_wish

    if given == "-" and passphrase_file == "-":
        raise CallFailed("usage", "Only one of invite and passphrase can be on standard input.", exit_status=USAGE)
    forbid_core_dumps()
    home = Home(session.home)
    try:
        check_wish(wish.handle, wish.greeting)
        if not home.is_joining():
            home.require_unused()
        invite = read_given(given)
        _look(session, home, invite, wish.handle)
        _ask(session, home, invite, wish, given_passphrase(passphrase_file, passphrase_fd))
    except WalletError as error:
        raise plain_failure(error) from None


def read_given(given: str) -> "Invite":
    """The invite that was typed, or lies in the file named, or comes on standard input (-). Raises CallFailed."""
    from protocol.base import Malformed
    from protocol.invite import read_invite

    try:
        return read_invite(text_of(given, "an invite", "bad_invite", ("invite1", "tally:invite1")))
    except Malformed as error:
        raise CallFailed(
            "bad_invite", f"{sentence(str(error))}", exit_status=USAGE,
            next="Give the whole text or link, or the name of the file that it was sent in.",
        ) from None  # fmt: skip


def _look(session: Session, home: "Home", invite: "Invite", handle: str) -> None:
    """Raise CallFailed for an invite or name that cannot come to anything, before anything is made."""
    import trio

    from node import wallclock
    from protocol.invite import InviteFault
    from wallet.joining.asking import look  # loads the network library

    if invite.voucher.expires <= wallclock.now_s():
        raise invite_failure(InviteFault.EXPIRED.code, handle)
    session.terminal.hint("asking at the addresses of the invite ...")
    outlook = trio.run(look, invite)
    fault = outlook.fault()
    if fault is None and outlook.ledger is not None and _is_taken(outlook.ledger, home, handle):
        fault = "handle_taken"
    if fault is not None:
        raise invite_failure(fault, handle)


def _is_taken(ledger: "Ledger", home: "Home", handle: str) -> bool:
    """Tell whether somebody else is called so; this home itself may have been admitted without knowing it yet."""
    from wallet.joining.kept import account_of, read_joining

    if home.is_joining() and account_of(ledger, read_joining(home).request) is not None:
        return False
    return handle in ledger.commons.by_handle


def invite_failure(code: str, handle: str) -> CallFailed:
    """What keeps somebody out, by its code at the doorstep."""
    from protocol.invite import InviteFault
    from protocol.request import WORDS

    is_invite = code in {fault.code for fault in InviteFault}
    return CallFailed(
        f"invite_{code}" if is_invite else code, sentence(WORDS[code]), exit_status=REFUSED,
        next="Nothing was made." if is_invite else "Ask again with another --handle.",
        facts={} if is_invite else {"handle": handle},
    )  # fmt: skip


def sentence(words: str) -> str:
    """Words without a full stop as a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


def _ask(session: Session, home: "Home", invite: "Invite", wish: Wish, passphrase: str | None) -> None:
    import trio

    from wallet.joining.asking import ask_now

    is_again = home.is_joining()
    if is_again:
        _ask_again(session, home, invite, wish, passphrase)
    else:
        _begin(session, home, invite, wish, passphrase)
    applicant = trio.run(ask_now, home)
    fault = None if applicant.admission is not None else applicant.fault()
    if fault is not None and not applicant.is_asked:
        if not is_again:
            home.abandon()
        raise invite_failure(fault, wish.handle)
    _tell(session, home, applicant, wish.handle)


def _begin(session: Session, home: "Home", invite: "Invite", wish: Wish, passphrase: str | None) -> None:
    from wallet.joining.kept import begin_joining

    chosen = None if wish.no_passphrase else new_passphrase(session, passphrase)
    take_addresses(home.root, wish.listen, wish.announce)
    begin_joining(home, invite, wish.handle, wish.greeting, chosen)


def _ask_again(session: Session, home: "Home", invite: "Invite", wish: Wish, passphrase: str | None) -> None:
    from wallet import keystore
    from wallet.joining.kept import ask_again

    if passphrase is None and keystore.needs_passphrase(home):
        passphrase = asked_passphrase(session)
    take_addresses(home.root, wish.listen, wish.announce)
    ask_again(home, invite, wish.handle, wish.greeting, passphrase)


def _tell(session: Session, home: "Home", applicant: "Applicant", handle: str) -> None:
    from protocol.payment import community_text
    from wallet.keystore import needs_passphrase

    ledger, admission = applicant.ledger, applicant.admission
    name = ledger.commons.name if ledger is not None else ""
    standing = "admitted" if admission is not None else "asked" if applicant.is_asked else "asking"
    content = {
        "standing": standing, "community": community_text(applicant.invite.community), "name": name, "handle": handle,
        "account": None if admission is None else admission.account, "home": str(home.root),
        "problems": applicant.troubles(),
    }  # fmt: skip
    members = 0 if ledger is None else len(ledger.commons.members)
    words = {
        "admitted": f"admitted: you are @{handle}, a member of {name}",
        "asked": f"asked: {name} ({counted(members, 'member')}) has your request to join as @{handle}",
        "asking": "not asked yet: nobody at the addresses of the invite took the request",
    }
    lines = [words[standing], f"home: {home.root}"]
    session.terminal.answer(content, lines + [f"problem: {trouble}" for trouble in applicant.troubles()])
    if not needs_passphrase(home):
        session.terminal.warn("no passphrase guards the keys: whoever can read your files can pay in your name")
    start = "start with `tally up --detach`"
    waits = "" if admission is not None else ": it asks until the stewards admit you"
    session.terminal.hint(f"Write down the words that `tally words` shows, then {start}{waits}.")
