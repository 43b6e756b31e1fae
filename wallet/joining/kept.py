"""A home that joins a community: what it keeps while it asks, and how it becomes a whole home by admission.

While it asks it has keys, a node's identity and the file HOME/wallet/joining, with the invite and the signed request;
so the request can be left again after any crash, also while the wallet is locked. On admission account 0 goes into the
journal, the book is made, the invite's addresses become the node's peers, and last of all the file is renamed to
`joined`: that is the moment of joining, and all before it can be done again. Reaches nobody.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from node.config import read_config, write_config
from node.filesystem import make_private_folder, sync_folder
from node.journal import Journal
from node.rebuilding import rebuild
from node.records import Record
from node.store import found_store
from node.storelock import StoreLock
from protocol import codec
from protocol.base import AccountId, CommunityId, Malformed
from protocol.invite import Invite, read_invite
from protocol.ledger import Ledger
from protocol.ops import is_handle
from protocol.request import GREETING_BYTES_MAX, Request, request_content
from protocol.shapes import words_fault
from protocol.signing import Tag, sign

from .. import keystore
from ..accounts import Keyring
from ..books.book import Book
from ..errors import BadRequest, HomeRefused
from ..home import Home, read_private, refusing, write_private
from ..keystore import USUAL, Cost, Secrets
from ..words import new_entropy

FORMAT = "tallystick joining 1"
FILE_BYTES_MAX = 16_384
ORDINAL = 0
"""Of the key that a joining home asks with."""


@dataclass(frozen=True, slots=True)
class Joining:
    """What a home asks for: the invite (a secret, as its one-time key is) and the request it leaves."""

    invite: Invite = field(repr=False)
    request: Request

    @property
    def community(self) -> CommunityId:
        return self.invite.community

    @property
    def handle(self) -> str:
        return self.request.handle


def check_wish(handle: str, greeting: str) -> None:
    """Raise BadRequest for a name or greeting that nobody could ask with."""
    if not is_handle(handle):
        rule = "A handle is 2 to 31 of a-z, 0-9 and -, does not begin with -, and is not commons."
        raise BadRequest(rule, {"handle": handle[:40]})
    if words_fault(greeting, GREETING_BYTES_MAX) is not None:
        raise BadRequest(f"A greeting is plain words of at most {GREETING_BYTES_MAX} bytes.")


def begin_joining(
    home: Home, invite: Invite, handle: str, greeting: str, passphrase: str | None, cost: Cost = USUAL
) -> Joining:
    """Make `home` with its keys and the request. Raises BadRequest, HomeRefused when a wallet is there already."""
    check_wish(handle, greeting)
    home.require_unused()
    with ExitStack() as ends:
        with refusing():
            make_private_folder(home.run)
            ends.callback(StoreLock(home.run).release)
            home.begin()
            ends.callback(found_store(home.root).journal.close)
        secrets = Secrets(new_entropy(), 1)
        keystore.save(home, secrets, passphrase, cost)
        joining = _keep(home, invite, Keyring(secrets.entropy), handle, greeting, invite.voucher.expires)
        home.finish()
    return joining


def ask_again(home: Home, invite: Invite, handle: str, greeting: str, passphrase: str | None) -> Joining:
    """Put another request in the place of the one that this home asked with: the same keys, perhaps another name.

    Raises BadRequest, WrongPassphrase, and HomeRefused while the node of the home runs.
    """
    check_wish(handle, greeting)
    with refusing():
        lock = StoreLock(home.run)
    try:
        earlier = read_joining(home).request
        keys = Keyring(keystore.load(home, passphrase).entropy)
        return _keep(home, invite, keys, handle, greeting, max(invite.voucher.expires, earlier.expires + 1))
    finally:
        lock.release()


def read_joining(home: Home) -> Joining:
    """Read what this home asks for. Raises HomeRefused when the file cannot be used."""
    try:
        content = json.loads(read_private(home.joining, FILE_BYTES_MAX))
        if content["format"] != FORMAT:
            raise HomeRefused("This home was made by another version of tallystick.", next="Install the newer one.")
        fields = codec.items(codec.decode(bytes.fromhex(content["request"]), FILE_BYTES_MAX))
        return Joining(read_invite(content["invite"]), Request.read(fields))
    except (ValueError, KeyError, TypeError, Malformed):
        facts = {"file": str(home.joining)}
        raise HomeRefused("What this home asks for cannot be read.", facts, "Begin again in another home.") from None


def _keep(home: Home, invite: Invite, keys: Keyring, handle: str, greeting: str, expires: int) -> Joining:
    joining = Joining(invite, signed_request(invite, keys, handle, greeting, expires))
    content = {"format": FORMAT, "invite": str(invite), "request": codec.encode(joining.request.plain()).hex()}
    write_private(home.joining, json.dumps(content).encode())
    return joining


def signed_request(invite: Invite, keys: Keyring, handle: str, greeting: str, expires: int) -> Request:
    """The request of the first account of `keys`.

    It is good for as long as the invite, whatever `expires` says beyond that; of two requests of one home the one with
    the later `expires` counts everywhere.
    """
    voucher, authority = invite.voucher, keys.authority(ORDINAL)
    content = request_content(voucher, authority, handle, greeting, expires)
    by_invite = sign(invite.key, Tag.REQUEST, invite.community, content)
    by_account = sign(keys.signing_key(ORDINAL), Tag.REQUEST, invite.community, content)
    return Request(voucher, authority, handle, greeting, expires, by_invite, ((0, by_account),))


# Admission


def held_account(journal: Journal, joining: Joining) -> AccountId | None:
    """The account that the journal shows to be this home's; None while there is no admission in it.

    Account 0 goes in as a whole when admission is known, so this asks whether that was done before a crash.
    """
    return account_of(rebuild(journal), joining.request)


def account_of(ledger: Ledger, request: Request) -> AccountId | None:
    """The account that was admitted with the request's key; of several the one of its name, else the first."""
    members = [member for member in ledger.commons.members.values() if member.authority == request.authority]
    named = [member for member in members if member.handle == request.handle]
    return next((member.number for member in named + members), None)


def settle(home: Home, joining: Joining, journal: Journal, account: AccountId, records: Sequence[Record]) -> None:
    """Make a whole home of one that was admitted as `account`, durably. `records`: account 0, unless it is there.

    Can be done again from the start when it was cut short; done is what was done.
    """
    if records and not journal.counts()["entries"]:
        journal.append(records)
    config = read_config(home.root)
    strangers = [address for address in joining.invite.addresses if address not in config.peers]
    write_config(replace(config, peers=(*config.peers, *strangers)))
    for left in home.wallet.glob(f"{home.book.name}*"):
        left.unlink()
    Book.create(home.book, joining.community, [(account, ORDINAL)])
    home.joining.rename(home.joined)
    sync_folder(home.wallet)


def finish(home: Home) -> None:
    """The account that joined is open: nothing is left to be done for it."""
    home.joined.unlink(missing_ok=True)
    sync_folder(home.wallet)
