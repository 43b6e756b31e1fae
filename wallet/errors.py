"""What can go wrong on a member's side: one exception class for each kind of failure.

Every class has a stable `code` (the same word in the command, the API and the logs) and the exit status of the
command. An error says what happened, the facts as numbers or words, and what to do next. Amounts in `facts` are
in the smallest units; who shows them writes them as decimals. May not know how an error is shown.
"""

from collections.abc import Mapping
from typing import ClassVar

from node.console.exits import FAILED, LOCKED, NOT_FINAL, NOT_FOUND, REFUSED, UNREACHABLE, USAGE
from protocol.verdict import Code

Facts = Mapping[str, int | str]
NO_FACTS: Facts = {}


class WalletError(Exception):
    """Base of all of them. `str(error)` is one plain sentence; it never holds a secret."""

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = FAILED
    next_step: ClassVar[str] = "Run `tally status` and try again."
    amounts: ClassVar[frozenset[str]] = frozenset(
        {"balance", "limit", "amount", "missing", "least_send", "levy", "cap"}
    )
    """Names of facts that are amounts in the smallest units."""

    def __init__(self, message: str, facts: Facts = NO_FACTS, next: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.facts = dict(facts)
        self.next = self.next_step if next is None else next


class BadAmount(WalletError):
    """Not an amount of this currency: form, sign, too many decimals, zero or too large."""

    code = "bad_amount"
    exit_status = USAGE
    next_step = "Write an amount like 2.50."


class BadNote(WalletError):
    """A note that is too long, or holds a code point that no note may hold."""

    code = "bad_note"
    exit_status = USAGE
    next_step = "Use a shorter memo of plain text."


class BadId(WalletError):
    """Text that is not a payment id: wrong prefix, length or checksum."""

    code = "bad_id"
    exit_status = USAGE
    next_step = "Copy the whole id, it starts with pay1."


class BadRequest(WalletError):
    """A request that makes no sense as written, such as an unknown state to wait for."""

    code = "bad_request"
    exit_status = USAGE
    next_step = "See `tally --help`."


class RuleRefusal(WalletError):
    """The rules of the community refuse it. The code is the rule's own word (`limit`, `payee_unknown` ...)."""

    exit_status = REFUSED
    next_step = "Nothing was signed and nothing changed."


class Limit(RuleRefusal):
    """The balance would fall below the credit limit. Facts: balance, limit, amount, missing."""

    code = "limit"
    next_step = "Pay less, or wait until somebody pays you."


class PayeeUnknown(RuleRefusal):
    """Nobody of that handle or number is a member."""

    code = "payee_unknown"
    next_step = "See `tally members` for who can be paid."


class SelfPayment(RuleRefusal):
    """Payer and payee are the same account."""

    code = "self_payment"
    next_step = "Name another member as payee."


class Suspended(RuleRefusal):
    """The stewards suspended the account: it may receive but not pay."""

    code = "suspended"
    next_step = "Talk to the stewards of your community."


class Frozen(RuleRefusal):
    """The stewards froze the account: it may write nothing."""

    code = "frozen"
    next_step = "Talk to the stewards of your community."


class LeastSend(RuleRefusal):
    """The amount is smaller than the charter allows. Facts: amount, least_send."""

    code = "least_send"
    next_step = "Pay at least that much."


class Ceiling(RuleRefusal):
    """Taking in more would lift the balance above the charter's ceiling."""

    code = "ceiling"
    next_step = "Spend something first."


class NothingToTake(RuleRefusal):
    """Nothing is in flight to the account, or nothing that its ceiling leaves room for."""

    code = "nothing_there"


class Overflow(RuleRefusal):
    """A sum would leave the numbers that the protocol can hold."""

    code = "overflow"
    next_step = "Pay a smaller amount."


class Conflict(RuleRefusal):
    """Another entry stands at the same place of the account's chain, so this one may never become final."""

    code = "conflict"
    next_step = "Stop using other copies of this home and ask the stewards for help."


class ReadOnly(RuleRefusal):
    """This home may not sign for the account at present. Facts: reason."""

    code = "read_only"
    next_step = "Stop the other copy of this home, wait a minute and try again."


class NotAMember(RuleRefusal):
    """This home asks to be admitted and is no member of its community yet."""

    code = "joining"
    next_step = "See `tally status`; it goes on by itself when the stewards have admitted you."


class NotSteward(RuleRefusal):
    """Only a steward may do that, and none of this wallet's accounts is one's."""

    code = "not_steward"
    next_step = "Ask a steward: `tally stewards` lists them."


class NotServing(RuleRefusal):
    """A member who was called to be a steward has not said to be ready for it."""

    code = "not_serving"
    next_step = "Ask them to run `tally stewards --serve` first."


class ActHeld(RuleRefusal):
    """The witnesses hold to another act, which has to be decided before any other can be. Facts: act."""

    code = "act_held"
    next_step = "Sign that one: see `tally acts`."


class RefReused(RuleRefusal):
    """The same --ref was used for another payee or amount."""

    code = "ref_reused"
    next_step = "Choose a new --ref for a new payment."


class KeyReused(RuleRefusal):
    """The same Idempotency-Key was sent with another body."""

    code = "key_reused"
    next_step = "Choose a new key for a new call."


class KeyUnfinished(RuleRefusal):
    """A call under the same Idempotency-Key is under way, or was cut short before its answer was kept."""

    code = "key_unfinished"
    next_step = "Look whether it was done; if not, send it with a new key."


class CapReached(RuleRefusal):
    """The token with which it was asked for has paid as much within 24 hours as it may."""

    code = "cap"
    next_step = "Wait until the payments of the last 24 hours are older, or have the owner make a token with more."


class CannotSeal(RuleRefusal):
    """The payee's account answers to several keys, so no note can be sealed to it."""

    code = "cannot_seal"
    next_step = "Leave out --sealed."


class CannotRefund(RuleRefusal):
    """The payment was not to this wallet, or is not final yet."""

    code = "cannot_refund"
    next_step = "Look at the payment with `tally show ID`."


class NotPublished(RuleRefusal):
    """The node did not take a record: a name, an offer, a card."""

    code = "not_published"
    next_step = "Nothing was published; what was there before stays."


class Refused(RuleRefusal):
    """Any other refusal by a rule; `facts["rule"]` holds the rule's own code."""

    code = "refused"


class Unreachable(WalletError):
    """The node, or enough witnesses, did not answer."""

    code = "unreachable"
    exit_status = UNREACHABLE
    next_step = "Start the node with `tally up` and check the connection."


class WitnessesUnreachable(Unreachable):
    """Fewer than a quorum of witnesses told where the account stands, so nothing may be signed yet."""

    code = "witnesses_unreachable"
    next_step = "Check the connection and try again; nothing was signed."


class HostUnreachable(Unreachable):
    """A host does not answer at its doorstep. Facts: peer."""

    code = "host_unreachable"
    next_step = "Have its owner start it with `tally-node run`, and try again; nothing was founded."


class HostRefused(RuleRefusal):
    """A host answers and does not serve this community. Facts: peer, answer."""

    code = "host_refused"
    next_step = "Ask its owner for its card."


class StoreFailed(WalletError):
    """The node could not put the record on its disk. Nothing more is signed until a restart."""

    code = "store_failed"
    next_step = "Free disk space or mend the disk, then restart with `tally up`."


class Busy(WalletError):
    """Too many payments of the account wait to become final; nothing was signed."""

    code = "busy"
    exit_status = NOT_FINAL
    next_step = "Wait a moment and try again."


class Locked(WalletError):
    """The wallet is locked; it shows and forwards but does not sign."""

    code = "locked"
    exit_status = LOCKED
    next_step = "Run `tally unlock`."


class WrongPassphrase(WalletError):
    """The passphrase does not open the keystore, or the keystore was changed."""

    code = "wrong_passphrase"
    exit_status = LOCKED
    next_step = "Type the passphrase again."


class NameTaken(RuleRefusal):
    """A token or webhook of that name is there already."""

    code = "name_taken"
    next_step = "Choose another name."


class WebhookUnanswered(RuleRefusal):
    """The address of a webhook did not take a test. Facts: url, reason."""

    code = "webhook_unanswered"
    next_step = "Start the receiver and try again, or add it all the same with --no-check."


class NotFound(WalletError):
    """No such payment, account or member."""

    code = "not_found"
    exit_status = NOT_FOUND
    next_step = "Check the id or handle."


class Timeout(WalletError):
    """Signed and recorded, but the state asked for was not reached in time. Facts: id, state."""

    code = "timeout"
    exit_status = NOT_FINAL
    next_step = "It goes on by itself; look again with `tally history`."


class TokenWrong(WalletError):
    """A script's token opens nothing: it is no token of this wallet, was revoked or has expired."""

    code = "token_wrong"
    next_step = "Make one with `tally token create`."


class TokenTooSmall(RuleRefusal):
    """A script's token opens less than what was asked for. Facts: needs, has."""

    code = "scope"
    next_step = "Make one of a larger scope with `tally token create`."


class HomeRefused(WalletError):
    """The home cannot be used as it is: missing, there already, loose permissions, a foreign owner, in use."""

    code = "home"
    next_step = "See the README on homes."


class NoWallet(HomeRefused):
    """There is no wallet in this home. Facts: home."""

    code = "no_wallet"
    exit_status = NOT_FOUND
    next_step = "Make one with `tally init`."


class KeystoreRefused(HomeRefused):
    """The keystore file cannot be trusted: permissions, owner, form or absurd parameters."""

    code = "keystore"
    next_step = "Restore the keystore from your backup or your recovery words."


class BookFailed(WalletError):
    """The wallet's own store could not be written or read. Nothing more is signed until a restart."""

    code = "book_failed"
    next_step = "Free disk space or mend the disk, then restart with `tally up`."


def _all(kind: type[WalletError]) -> list[type[WalletError]]:
    return [kind] + [below for sub in kind.__subclasses__() for below in _all(sub)]


BY_CODE: dict[str, type[WalletError]] = {kind.code: kind for kind in reversed(_all(WalletError))}
"""Every stable code and its class; base classes give way to the classes that define the code."""

BY_RULE: dict[Code, type[RuleRefusal]] = {
    Code.LIMIT: Limit,
    Code.PAYEE_UNKNOWN: PayeeUnknown,
    Code.SUSPENDED: Suspended,
    Code.FROZEN: Frozen,
    Code.LEAST_SEND: LeastSend,
    Code.CEILING: Ceiling,
    Code.NOTHING_THERE: NothingToTake,
    Code.OVERFLOW: Overflow,
    Code.CONFLICT: Conflict,
}
"""The exception for a refusal by the rules; all others are `Refused`."""
