"""The shapes of the node's answers over HTTP, as types: `views` and `api` fill them, `web.openapi` shows them."""

from typing import Literal, NotRequired, TypedDict


class SendView(TypedDict):
    """One payment as the record has it."""

    id: str
    payer: str
    payee: str
    amount: str
    unit: str
    memo: str | None
    sealed: bool


class OpView(TypedDict):
    """One op of an entry: `op` says which, and so which of the other fields are there."""

    op: str
    id: NotRequired[str]
    payer: NotRequired[str]
    payee: NotRequired[str]
    amount: NotRequired[str]
    unit: NotRequired[str]
    memo: NotRequired[str | None]
    sealed: NotRequired[bool]
    incarnation: NotRequired[int]
    upto: NotRequired[int]
    seq: NotRequired[int]
    total: NotRequired[str]
    fields: NotRequired[list[str]]


class EntryView(TypedDict):
    """One entry, its ops, and its exact bytes in base64."""

    id: str
    account: int
    handle: str
    incarnation: int
    seq: int
    prev: str
    height: int
    time: int
    ops: list[OpView]
    raw: str


class PlaceView(TypedDict):
    """What a certificate or vote is about; `round` in place of `incarnation` for account 0."""

    epoch: int
    account: int
    incarnation: NotRequired[int]
    round: NotRequired[int]
    seq: int
    id: str


class CertificateView(PlaceView):
    """A certificate: what it is for, who signed, and its exact bytes in base64."""

    witnesses: list[int]
    raw: str


class HealthView(TypedDict):
    """Whether the node can record."""

    ok: bool
    failed: str | None


class StatusView(TypedDict):
    """How the node is."""

    state_root: NotRequired[str]
    community: str
    name: str
    unit: str
    decimals: int
    height: int
    quorum: int
    witnesses: int
    members: int
    sum: str
    row: int
    waiting: int
    peer_id: str
    peers: list[str]
    witness: bool
    problems: list[str]


class AccountView(TypedDict):
    """One account as the record has it."""

    account: int
    handle: str
    balance: str
    limit: str
    unit: str
    level: str
    incarnation: int
    seq: int | None
    id: str | None
    final_seq: int | None
    conflict: bool


class AccountsView(TypedDict):
    """A page of accounts; `next` is where the following one begins, null at the end."""

    members: list[AccountView]
    next: int | None


class HeldEntryView(EntryView):
    """An entry and how far it is: recorded, final, seen, conflict or refused."""

    state: str


class CertifiedEntryView(HeldEntryView):
    """An entry with the certificate that covers it, if there is one."""

    certificate: CertificateView | None


class EntriesView(TypedDict):
    """A page of entries; `next` is where the following one begins, null at the end."""

    entries: list[HeldEntryView]
    next: int | None


class RecordedPaymentView(SendView):
    """One payment, how far it is and where it stands."""

    state: str
    entry: str
    op: int
    time: int


class VerdictView(TypedDict):
    """What became of an entry that was handed in; a waiting one says what it waits for."""

    verdict: Literal["accepted", "duplicate", "waiting"]
    need: NotRequired[str]
    account: NotRequired[int]
    incarnation: NotRequired[int]
    seq: NotRequired[int]
