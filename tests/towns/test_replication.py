"""Two nodes become level: by rows, by ranges, through lost answers, in bounded steps (protocol/replication.py)."""

import random
from pathlib import Path

import pytest

from node.bookkeeper import Bookkeeper
from node.shelf import Shelf
from protocol import replication
from protocol.entry import SignedEntry
from protocol.messages import Bundle, Compare, Deliver, Fetch, Heads, Index, Message, Moved, Position, Since, Span, Want
from protocol.ops import Recv, Send
from protocol.replication import Cursor, Pull, State, fingerprint
from protocol.statements import Certificate
from tests.builders import Town, found
from tests.node.doors import door_of

News = list[tuple[SignedEntry, Certificate | None]]


def history(town: Town, seed: int, payments: int) -> News:
    """A seeded life: everybody opens, pays and takes in; each entry with its certificate, as one node would see it."""
    rng = random.Random(seed)
    news: News = []
    for name in town.members:
        opened = town.open(name)
        news.append((opened, town.certificate(opened)))
    sent: dict[tuple[str, str], int] = {}
    for _ in range(payments):
        payer, payee = rng.sample(town.members, 2)
        paid = town.write(payer, Send(town[payee], 1))
        sent[payer, payee] = sent.get((payer, payee), 0) + 1
        news.append((paid, town.certificate(paid)))
        if rng.random() < 0.3:
            taken = town.write(payee, Recv(town[payer], 0, paid.seq, sent[payer, payee]))
            news.append((taken, town.certificate(taken)))
    return news


async def fill(door: Bookkeeper, news: News) -> None:
    for signed, certificate in news:
        door.take(Bundle((signed,), () if certificate is None else (certificate,)))
    await door.ticket.durable()


class Wire:
    """Carries one pull's questions to the other side and the answers back; may lose answers."""

    def __init__(self, ours: Bookkeeper, theirs: Bookkeeper, pull: Pull, lose: float = 0.0, seed: int = 0) -> None:
        self.ours, self.theirs, self.pull = ours, theirs, pull
        self.our_shelf, self.their_shelf = Shelf(ours), Shelf(theirs)
        self.rng, self.lose = random.Random(seed), lose
        self.questions: list[Message] = []
        self.now = 0.0

    async def run(self, messages: list[Message], rounds: int = 400) -> None:
        """Until nothing is open any more."""
        for _ in range(rounds):
            if not messages:
                if self.pull.state is State.IDLE:
                    return
                self.now += replication.PATIENCE_S
                messages = self.pull.tick(self.now)
            replies: list[Message] = []
            for message in messages:
                self.questions.append(message)
                for answer in self.serve(message, self.their_shelf):
                    if self.rng.random() >= self.lose:
                        replies += await self.hear(answer)
            messages = replies
        raise AssertionError(f"still {self.pull.state} after {rounds} rounds")

    def serve(self, message: Message, shelf: Shelf) -> list[Message]:
        match message:
            case Since():
                return replication.serve_since(shelf, message)
            case Fetch():
                return replication.serve_fetch(shelf, message)
            case Want():
                return replication.serve_want(shelf, message)
            case Compare():
                return replication.serve_compare(shelf, message)
        return []

    async def hear(self, answer: Message) -> list[Message]:
        match answer:
            case Index():
                return self.pull.on_index(answer, self.now)
            case Moved():
                return self.pull.on_moved(answer, self.now)
            case Heads():
                return self.pull.on_heads(answer, self.now)
            case Deliver():
                await self.ours.submit(answer.bundle)
                return self.pull.on_delivered(answer, self.now)
            case Compare():
                replies: list[Message] = []
                for heads in self.serve(answer, self.our_shelf):
                    if isinstance(heads, Heads):  # the other side answers ours with its own
                        replies += [
                            message
                            for theirs in replication.heads_messages(self.their_shelf, heads.ranges, reply=False)
                            for message in await self.hear(theirs)
                        ]
                    else:
                        replies.append(heads)
                return replies
        return []


def pull_from(ours: Bookkeeper, theirs: Bookkeeper, cursor: Cursor | None = None) -> Pull:
    return Pull(Shelf(ours), theirs.journal.generation, theirs.journal.last_row, cursor)


@pytest.mark.parametrize("lose", [0.0, 0.3])
async def test_a_new_node_gets_everything_by_rows(tmp_path: Path, lose: float) -> None:
    town = found("ana", "ben", "cat", "dan")
    news = history(town, seed=1, payments=120)
    async with door_of(town, tmp_path / "a") as full, door_of(town, tmp_path / "b") as empty:
        await fill(full, news)
        wire = Wire(empty, full, pull_from(empty, full), lose)
        await wire.run(wire.pull.start(0.0))
        assert empty.ledger.state_root() == full.ledger.state_root()
        assert wire.pull.cursor == Cursor(full.journal.generation, full.journal.last_row)


@pytest.mark.parametrize("lose", [0.0, 0.3])
async def test_two_nodes_that_differ_in_a_few_of_many_accounts_compare_ranges(tmp_path: Path, lose: float) -> None:
    town = found(*(f"member-{number}" for number in range(55)))
    news = history(town, seed=2, payments=30)
    later = [town.write("member-7", Send(town["member-9"], 1)), town.write("member-40", Send(town["member-7"], 1))]
    async with door_of(town, tmp_path / "a") as ahead, door_of(town, tmp_path / "b") as behind:
        await fill(ahead, news)
        await fill(behind, news)
        await fill(ahead, [(signed, town.certificate(signed)) for signed in later])
        wire = Wire(behind, ahead, pull_from(behind, ahead), lose)
        await wire.run(wire.pull.start(0.0))
        assert behind.ledger.state_root() == ahead.ledger.state_root()
        fetched = sum(len(question.spans) for question in wire.questions if isinstance(question, Want))
        assert lose or fetched == 2


async def test_a_known_cursor_asks_only_for_what_came_since(tmp_path: Path) -> None:
    town = found("ana", "ben")
    news = history(town, seed=3, payments=20)
    async with door_of(town, tmp_path / "a") as ahead, door_of(town, tmp_path / "b") as behind:
        await fill(ahead, news)
        await fill(behind, news)
        cursor = Cursor(ahead.journal.generation, ahead.journal.last_row)
        paid = town.write("ana", Send(town["ben"], 1))
        await fill(ahead, [(paid, town.certificate(paid))])
        wire = Wire(behind, ahead, pull_from(behind, ahead, cursor))
        await wire.run(wire.pull.start(0.0))
        assert wire.questions[0] == Since(cursor.row, briefly=True)
        assert [type(question) for question in wire.questions] == [Since, Want]
        assert behind.ledger.state_root() == ahead.ledger.state_root()


async def test_when_much_is_missing_a_cursor_asks_row_by_row(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=10_000)
    news = history(town, seed=3, payments=20)
    async with door_of(town, tmp_path / "a") as ahead, door_of(town, tmp_path / "b") as behind:
        await fill(ahead, news)
        await fill(behind, news)
        cursor = Cursor(ahead.journal.generation, ahead.journal.last_row)
        paid = [town.write("ana", Send(town["ben"], 1)) for _ in range(1_001)]
        await fill(ahead, [(signed, town.certificate(signed)) for signed in paid])
        wire = Wire(behind, ahead, pull_from(behind, ahead, cursor))
        await wire.run(wire.pull.start(0.0))
        assert wire.questions[1] == Since(cursor.row, briefly=False)
        assert behind.ledger.state_root() == ahead.ledger.state_root()
        assert wire.pull.cursor == Cursor(ahead.journal.generation, ahead.journal.last_row)


async def test_a_cursor_of_a_journal_that_was_made_anew_is_not_used(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with door_of(town, tmp_path / "a") as ahead, door_of(town, tmp_path / "b") as behind:
        await fill(ahead, history(town, seed=3, payments=5))
        pull = pull_from(behind, ahead, Cursor(bytes(16), 10**6))
        assert pull.start(0.0) == [Since(0, briefly=False)]


async def test_equal_nodes_say_so_in_one_message_and_read_rows_from_then_on(tmp_path: Path) -> None:
    town = found("ana", "ben")
    news = history(town, seed=4, payments=10)
    async with door_of(town, tmp_path / "a") as one, door_of(town, tmp_path / "b") as other:
        await fill(one, news)
        await fill(other, news)
        wire = Wire(one, other, pull_from(one, other))
        await wire.run(wire.pull.start(0.0))
        assert len(wire.questions) == 1
        assert wire.pull.cursor == Cursor(other.journal.generation, other.journal.last_row)


async def test_a_long_chain_is_asked_for_in_pages(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=1_000)
    first = town.open("ana")
    rest = [town.write("ana", Send(town["ben"], 1)) for _ in range(250)]
    news: News = [(signed, town.certificate(signed)) for signed in (first, *rest)]
    async with door_of(town, tmp_path / "a") as full, door_of(town, tmp_path / "b") as behind:
        await fill(full, news)
        await fill(behind, news[:1])
        wire = Wire(behind, full, pull_from(behind, full))
        await wire.run(wire.pull.want([Span(town["ana"], 0, 1, 250)], 0.0))
        assert behind.ledger.state_root() == full.ledger.state_root()


def test_a_fingerprint_does_not_depend_on_order_and_depends_on_every_head() -> None:
    heads = [Position(account, 0, account, bytes([account]) * 32) for account in range(1, 6)]  # type: ignore[arg-type]
    assert fingerprint(heads) == fingerprint(heads[::-1])
    assert fingerprint(heads) != fingerprint(heads[1:])
    assert fingerprint([]) == bytes(32)
