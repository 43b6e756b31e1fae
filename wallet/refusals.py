"""A refusal by the rules, predicted before anything is signed, in the wallet's words."""

from protocol.base import AMOUNT_MAX, AccountId
from protocol.commons import FROZEN
from protocol.compose import Prevented
from protocol.ops import forbidden_code_point
from protocol.verdict import Code

from .errors import BY_RULE, BadAmount, BadRequest, Busy, Frozen, Refused, SelfPayment, Suspended, WalletError
from .notes import check_memo
from .orders import Order

REF_MAX = 200
REFUND = "refund of "
"""How the refs of refunds begin. No person's ref may begin so: then one is never taken for the other."""


def refusal(prevented: Prevented) -> WalletError:
    """The exception that says what `compose` found; its code is the rule's own word."""
    if prevented.code is Code.BACKLOG:
        return Busy("Earlier payments are not final yet; nothing was signed.", prevented.facts)
    kind = BY_RULE.get(prevented.code)
    if kind is None:
        return Refused(prevented.message, {**prevented.facts, "rule": prevented.code.word})
    return kind(prevented.message, prevented.facts)


def stopped(level: int, deed: str) -> WalletError:
    """The exception that says why an account at this level, which the stewards set, may not do a deed."""
    kind, verb = (Frozen, "froze") if level == FROZEN else (Suspended, "suspended")
    return kind(f"The stewards {verb} this account: it may not {deed}.")


def check_payment(payer: AccountId, payee: AccountId, amount: int) -> None:
    """Raise SelfPayment or BadAmount for what can never be a payment."""
    if payer == payee:
        raise SelfPayment("You cannot pay yourself.", {"account": payer})
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise BadAmount("An amount must be more than zero and not absurdly large.", {"amount": amount})


def check_order(payer: AccountId, order: Order) -> None:
    """Raise a WalletError for what nobody could pay so, whatever the balance. The order has a payee."""
    assert order.payee is not None
    check_payment(payer, order.payee, order.amount)
    check_memo(order.memo, sealed=order.sealed)
    if order.ref is not None and not 1 <= len(order.ref) <= REF_MAX:
        raise BadRequest(f"A ref has 1 to {REF_MAX} characters.")
    if order.ref is not None and (point := forbidden_code_point(order.ref)):
        raise BadRequest(f"The ref holds {point}, an invisible or control character.", {"code_point": point})
    if order.ref is not None and order.ref.startswith(REFUND):
        raise BadRequest(f'A ref may not begin with "{REFUND}": so begin those of `tally refund`.')
