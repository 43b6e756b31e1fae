"""The shapes of the wallet's answers over HTTP, as types: `views` and `api` fill them, the OpenAPI document shows them.

Amounts are decimal strings; `time` is seconds since 1970 by the payer's clock; handles are bare. A state is recorded,
final or seen, or conflict or refused for what can never become final.
"""

from typing import NotRequired, TypedDict

from ..results import Kind


class BalanceView(TypedDict):
    """Where an account stands; `problem` says why it pays no longer, and is null while it may."""

    account: int
    handle: str
    balance: str
    incoming: str
    limit: str
    spendable: str
    unit: str
    problem: str | None


class RowView(TypedDict):
    """One line of a history; the amount is signed as it moves the balance. `alike`: handles that `other` looks like."""

    id: str
    kind: Kind
    state: str
    other: str
    alike: list[str]
    amount: str
    memo: str | None
    sealed: bool
    ref: str | None
    time: int


class HistoryView(TypedDict):
    """A page of a history, newest first; `next` is where the older ones begin, null at the end."""

    account: int
    unit: str
    rows: list[RowView]
    next: str | None


class MemberView(TypedDict):
    """A member as everybody sees it; `level` is free, suspended or frozen, `own`: of this wallet.

    `name` is what it calls itself, and may be anybody's; `alike`: handles of others who could be taken for it.
    """

    account: int
    handle: str
    name: str | None
    alike: list[str]
    balance: str
    limit: str
    level: str
    own: bool


class MembersView(TypedDict):
    """A page of members by number; `next` is where the following ones begin, null at the end."""

    unit: str
    members: list[MemberView]
    next: int | None


class PaymentView(TypedDict):
    """One payment."""

    id: str
    state: str
    payer: str
    payee: str
    amount: str
    unit: str
    memo: str | None
    ref: str | None
    sealed: bool
    time: int


class ReceivedView(TypedDict):
    """What came in."""

    account: int
    amount: str
    unit: str
    parcels: int
    entries: int
    state: str


class PreviewView(TypedDict):
    """What a payment would do; with `locked` it would be refused until the wallet is unlocked. `levy` goes to the
    commons besides, and is in `balance_after`."""

    payer: str
    payee: str
    payee_name: str | None
    payee_alike: list[str]
    amount: str
    unit: str
    memo: str | None
    levy: str
    balance: str
    balance_after: str
    spendable: str
    locked: bool


class RefusalView(TypedDict):
    """Why something is refused: a stable code and a sentence."""

    code: str
    message: str


class CheckedView(TypedDict):
    """One payment of a batch before it is paid: `paid` is what was made under its ref before, `refused` why it never
    will be; both null for one that is to be paid. `amount` is null where it could not be read; `levy` goes to the
    commons besides, where the payment is to be made."""

    payee: str
    amount: str | None
    levy: str | None
    paid: PaymentView | None
    refused: RefusalView | None


class ChecksView(TypedDict):
    """The payments of a batch in their order, and where their payer stands."""

    balance: BalanceView
    locked: bool
    orders: list[CheckedView]


class WalletStatusView(TypedDict):
    """How node and wallet are; `standing` of the first account is admitted or open."""

    community: str
    name: str
    unit: str
    decimals: int
    members: int
    witnesses: int
    quorum: int
    pid: int
    peer_id: str
    peers: list[str]
    witness: bool
    locked: bool
    handle: str
    standing: str
    entries: int
    sum: str
    problems: list[str]


class RecentView(TypedDict):
    """The newest payments of the first account."""

    account: NotRequired[int]
    unit: NotRequired[str]
    rows: list[RowView]
    next: NotRequired[str | None]


class SummaryView(WalletStatusView):
    """All of one screen."""

    accounts: list[BalanceView]
    recent: RecentView


class LockView(TypedDict):
    """Whether the wallet signs."""

    locked: bool


class ReportView(TypedDict):
    """What a check of the books found; `faults` is empty when all is well."""

    entries: int
    sum: str
    unit: str
    faults: list[str]


class StoppingView(TypedDict):
    """The process that ends."""

    stopping: bool
    pid: int


class TokenView(TypedDict):
    """A token for programs, without the token. `cap` and `spent` (of the last 24 hours) only for scope spend; times are
    seconds since 1970, `last_used_day` that of the day's beginning (UTC)."""

    name: str
    scope: str
    cap: str | None
    spent: str | None
    created: int
    expires: int | None
    expired: bool
    last_used_day: int | None


class TokensView(TypedDict):
    """All tokens, by name."""

    tokens: list[TokenView]


class MadeTokenView(TokenView):
    """A new token; `token` is shown this once."""

    token: str


class DeliveryView(TypedDict):
    """How one delivery went at its last try; `fault` is null when it was taken. `time`: of that try, by this clock."""

    id: str
    event: str
    time: int
    tries: int
    fault: str | None


class DeliveriesView(TypedDict):
    """How the last deliveries of a webhook went, newest first."""

    deliveries: list[DeliveryView]


class WebhookView(TypedDict):
    """A webhook, without its secret. No `events`: all. `tries`: in vain, of what is to be delivered now."""

    name: str
    url: str
    events: list[str]
    created: int
    tries: int
    last: DeliveryView | None


class WebhooksView(TypedDict):
    """All webhooks, by name."""

    webhooks: list[WebhookView]


class AddedWebhookView(WebhookView):
    """A new webhook; `secret` is shown this once."""

    secret: str


class TestedView(TypedDict):
    """A test that was taken."""

    taken: bool
