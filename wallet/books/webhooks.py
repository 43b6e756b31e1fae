"""The book's pages about webhooks: where events go, how far each has come, and how the last deliveries went.

They lie in the same file as payments. How far a webhook has come is written with the delivery that went well: after a
crash that delivery may be sent once more, under the same id, and none is left out. May not send or wait.
"""

from dataclasses import dataclass, field

from .jotting import Readable, Run

DELIVERIES_KEPT = 50
"""Of each webhook, the newest."""

TABLES = (
    """CREATE TABLE webhook (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL, events TEXT NOT NULL,
       secret TEXT NOT NULL, created INTEGER NOT NULL, upto TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE delivery (n INTEGER PRIMARY KEY, webhook TEXT NOT NULL, id TEXT NOT NULL, event TEXT NOT NULL,
       time INTEGER NOT NULL, tries INTEGER NOT NULL, fault TEXT NOT NULL) STRICT""",
    "CREATE INDEX delivery_by_webhook ON delivery (webhook)",
)
_PUT = "INSERT INTO webhook VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP = ("DELETE FROM webhook WHERE id = ?", "DELETE FROM delivery WHERE webhook = ?")
_MOVE = "UPDATE webhook SET upto = ? WHERE id = ?"
_PUT_DELIVERY = "INSERT INTO delivery (webhook, id, event, time, tries, fault) VALUES (?, ?, ?, ?, ?, ?)"
_FORGET_EARLIER_TRY = "DELETE FROM delivery WHERE webhook = ? AND id = ?"
_FORGET = """DELETE FROM delivery WHERE webhook = ?1 AND n NOT IN
             (SELECT n FROM delivery WHERE webhook = ?1 ORDER BY n DESC LIMIT ?2)"""
_DELIVERIES = "SELECT id, event, time, tries, fault FROM delivery WHERE webhook = ? ORDER BY n DESC"


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One webhook."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    """The kinds of events it is told of; none named: all."""
    secret: str = field(repr=False)
    created: int
    upto: str
    """The place in the feed (`happenings.At`) up to which everything was delivered, when it was last written."""

    def put(self, run: Run) -> None:
        """Write it."""
        run(_PUT, (self.id, self.name, self.url, " ".join(self.events), self.secret, self.created, self.upto))


@dataclass(frozen=True, slots=True)
class Removed:
    """This webhook is told nothing more."""

    id: str

    def put(self, run: Run) -> None:
        """Take it out, with how its deliveries went."""
        for statement in _DROP:
            run(statement, (self.id,))


@dataclass(frozen=True, slots=True)
class Moved:
    """A webhook has come as far as `upto`."""

    webhook: str
    upto: str

    def put(self, run: Run) -> None:
        """Write it."""
        run(_MOVE, (self.upto, self.webhook))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one delivery went at its last try; `fault` is empty when it was taken. Then the webhook has come `upto`."""

    webhook: str
    id: str
    event: str
    time: int
    tries: int
    fault: str
    upto: str = ""

    def put(self, run: Run) -> None:
        """Write it in the place of its earlier tries."""
        run(_FORGET_EARLIER_TRY, (self.webhook, self.id))
        run(_PUT_DELIVERY, (self.webhook, self.id, self.event, self.time, self.tries, self.fault))
        run(_FORGET, (self.webhook, DELIVERIES_KEPT))
        if not self.fault:
            Moved(self.webhook, self.upto).put(run)


def webhooks(book: Readable) -> list[WebhookRow]:
    """All webhooks, by name."""
    return [
        WebhookRow(id, name, url, tuple(events.split()), secret, created, upto)
        for id, name, url, events, secret, created, upto in book.rows("SELECT * FROM webhook ORDER BY name")
    ]


def deliveries(book: Readable, webhook: str) -> list[Delivery]:
    """How the last deliveries of a webhook went, newest first."""
    return [Delivery(webhook, *row) for row in book.rows(_DELIVERIES, (webhook,))]
