"""The commands about keys: unlock, lock, words."""

from typing import Any

from wallet.client import CallFailed, require_wallet
from wallet.commands.passphrases import (
    asked_passphrase,
    forbid_core_dumps,
    given_passphrase,
    passphrase_options,
)
from wallet.commands.session import Session, command

UNLOCK_TIMEOUT_S = 120.0
"""Stretching a passphrase takes seconds on purpose, and long on a slow machine."""
WORDS_A_LINE = 6


@command("unlock", examples=("tally unlock", "tally unlock --passphrase-file passphrase.txt"))
@passphrase_options
def unlock(session: Session, passphrase_file: str | None, passphrase_fd: int | None) -> None:
    """Let the running wallet sign, until `tally lock` or `tally down`."""
    passphrase = given_passphrase(passphrase_file, passphrase_fd)
    client = session.client()
    try:
        found = client.post("/v1/wallet/unlock", {"passphrase": passphrase}, UNLOCK_TIMEOUT_S)
    except CallFailed as failure:
        if passphrase is not None or failure.code != "wrong_passphrase":
            raise
        asked = {"passphrase": asked_passphrase(session)}
        found = client.post("/v1/wallet/unlock", asked, UNLOCK_TIMEOUT_S)
    session.terminal.answer(found, ["unlocked"])


@command("lock", examples=("tally lock",))
def lock(session: Session) -> None:
    """Have the running wallet forget its keys until the next `tally unlock`."""
    session.terminal.answer(session.client().post("/v1/wallet/lock", {}), ["locked"])


@command("words", examples=("tally words",))
@passphrase_options
def words(session: Session, passphrase_file: str | None, passphrase_fd: int | None) -> None:
    """Show the 24 words that restore this wallet. Write them on paper; who has them has your account."""
    shown = _read_words(session, given_passphrase(passphrase_file, passphrase_fd))
    numbered = [f"{place + 1:2} {word:10}" for place, word in enumerate(shown)]
    lines = [
        "".join(numbered[start : start + WORDS_A_LINE]).rstrip() for start in range(0, len(numbered), WORDS_A_LINE)
    ]
    session.terminal.answer({"words": shown}, lines)
    session.terminal.hint("Write them on paper, in this order, and keep them from everybody: they are your account.")


def _read_words(session: Session, passphrase: str | None) -> list[str]:
    """Open the keystore in this process, so that the words never cross a connection. Raises CallFailed."""
    from wallet import keystore  # loads the cryptography
    from wallet.errors import WalletError
    from wallet.home import Home
    from wallet.words import to_words

    forbid_core_dumps()
    require_wallet(session.home)
    home = Home(session.home)
    try:
        home.check()
        if passphrase is None and keystore.needs_passphrase(home):
            passphrase = asked_passphrase(session)
        return to_words(keystore.load(home, passphrase).entropy)
    except WalletError as error:
        raise plain_failure(error) from None


def plain_failure(error: Any) -> CallFailed:
    """A wallet error of this process as the command tells it."""
    return CallFailed(
        error.code, error.message, exit_status=error.exit_status, next=error.next, facts=dict(error.facts)
    )
