"""A refusal by the rules, predicted before anything is signed, in the wallet's words."""

from protocol.base import AMOUNT_MAX, AccountId
from protocol.compose import Prevented
from protocol.verdict import Code

from .errors import BY_RULE, BadAmount, Busy, Refused, SelfPayment, WalletError


def refusal(prevented: Prevented) -> WalletError:
    """The exception that says what `compose` found; its code is the rule's own word."""
    if prevented.code is Code.BACKLOG:
        return Busy("Earlier payments are not final yet; nothing was signed.", prevented.facts)
    kind = BY_RULE.get(prevented.code)
    if kind is None:
        return Refused(prevented.message, {**prevented.facts, "rule": prevented.code.word})
    return kind(prevented.message, prevented.facts)


def check_payment(payer: AccountId, payee: AccountId, amount: int) -> None:
    """Raise SelfPayment or BadAmount for what can never be a payment."""
    if payer == payee:
        raise SelfPayment("You cannot pay yourself.", {"account": payer})
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        raise BadAmount("An amount must be more than zero and not absurdly large.", {"amount": amount})
