"""The applicant: asks at several doors, is told from, and stopped by, none of those that lie, sleep or are away."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from protocol.bundles import Bundle
from protocol.invite import Invite
from protocol.knocks import CommonsPage, Knock, LeaveRequest, ReadCommons, Turned, Welcome, encode_reply
from protocol.request import Request
from tests import papers
from tests.builders import key
from tests.wallet.doorsteps import Elm, Server, Street, street
from wallet.accounts import Keyring
from wallet.joining.applying import LEAVE_AGAIN_S, Applicant
from wallet.joining.kept import signed_request

NOW = papers.NOW_S
KEYS = Keyring(bytes(32))


def asked(invite: Invite, handle: str = "eve") -> Request:
    return signed_request(invite, KEYS, handle, "I bake", invite.voucher.expires)


def applicant(elm: Elm, there: Street, servers: list[Server], *, anchor: int = 0, now: int = NOW) -> Applicant:
    invite = elm.invite([server.address for server in servers], anchor=anchor)
    return Applicant(invite, asked(invite), there, lambda: now)


async def test_the_request_is_left_at_every_door_and_everybody_is_told_the_same() -> None:
    elm = Elm()
    there, servers = street(elm, "one", "two")
    wanted = applicant(elm, there, servers)
    await wanted.look()
    assert [server.requests for server in servers] == [[wanted.request], [wanted.request]]
    assert wanted.is_asked and wanted.fault() is None and wanted.troubles() == [] and wanted.admission is None


async def test_looking_without_a_request_leaves_nothing() -> None:
    elm = Elm("ana", "ben")
    there, (server,) = street(elm, "one")
    invite = elm.invite([server.address])
    outlook = Applicant(invite, None, there, lambda: NOW)
    await outlook.look()
    assert outlook.ledger is not None and set(outlook.ledger.commons.by_handle) == {"ana", "ben"}
    assert server.requests == [] and not outlook.is_asked


async def test_it_asks_until_its_key_is_admitted_under_whatever_number(autojump_clock: MockClock) -> None:
    elm = Elm()
    there, servers = street(elm, "one", "two")
    wanted = applicant(elm, there, servers)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wanted.ask)
        await trio.sleep(100)
        elm.decide(elm.town.admit("ben"))
        assert wanted.admission is None
        elm.admit(servers[0].requests[0])
    assert wanted.admission is not None
    assert (wanted.admission.account, wanted.admission.reading.height) == (3, 2)


async def test_admission_is_noticed_within_seconds_at_first_and_a_quarter_of_a_minute_later(
    autojump_clock: MockClock,
) -> None:
    for waited, least, most in ((0.5, 0, 2), (600, 0, 16)):
        elm = Elm()
        there, servers = street(elm, "one")
        wanted = applicant(elm, there, servers)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wanted.ask)
            await trio.sleep(waited)
            elm.admit(servers[0].requests[0])
            then = trio.current_time()
        assert least <= trio.current_time() - then <= most


async def test_the_request_is_left_again_from_time_to_time(autojump_clock: MockClock) -> None:
    elm = Elm()
    there, (server,) = street(elm, "one")
    wanted = applicant(elm, there, [server])
    with trio.move_on_after(2.5 * LEAVE_AGAIN_S):
        await wanted.ask()
    assert len(server.requests) == 3 and len(set(map(id, server.requests))) == 3
    assert set(server.requests) == {wanted.request}


def truncated(elm: Elm) -> Callable[[Knock], bytes | None]:
    return lambda question: encode_reply(CommonsPage(Bundle(), 9)) if isinstance(question, ReadCommons) else None


def bare(elm: Elm) -> Callable[[Knock], bytes | None]:
    page = encode_reply(CommonsPage(Bundle(elm.page(0, 9).entries), len(elm.entries) - 1))
    return lambda question: page if isinstance(question, ReadCommons) else None


def other_town(elm: Elm) -> Callable[[Knock], bytes | None]:
    page = encode_reply(CommonsPage(Elm("zoe").page(0, 0), 0))
    return lambda question: page if isinstance(question, ReadCommons) else None


def endless(elm: Elm) -> Callable[[Knock], bytes | None]:
    """The same page for ever, as if there were always more."""
    page = encode_reply(CommonsPage(elm.page(0, 0), 1 << 40))
    return lambda question: page if isinstance(question, ReadCommons) else None


LIARS: dict[str, tuple[Callable[[Elm], Callable[[Knock], bytes | None]], str]] = {
    "truncated pages": (truncated, "shows 0 only"),
    "pages without certificates": (bare, "without its certificate"),
    "another community": (other_town, "another community"),
    "endless pages": (endless, "shows 1 only"),
    "garbage": (lambda _: lambda _: b"\xc1garbage", "what is no answer"),
    "an answer to another question": (lambda _: lambda _: encode_reply(Welcome()), "what is no answer"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIARS)
async def test_a_liar_is_named_and_gets_no_request_and_stops_nobody(lie: str, autojump_clock: MockClock) -> None:
    elm = Elm()
    elm.decide(elm.town.admit("ben"))
    there, (liar, honest) = street(elm, "liar", "honest")
    make, words = LIARS[lie]
    liar.answer = make(elm)
    wanted = applicant(elm, there, [liar, honest])
    await wanted.look()
    (trouble,) = wanted.troubles()
    assert trouble.startswith(f"{liar.address}: not used: ") and words in trouble
    assert (liar.requests, honest.requests) == ([], [wanted.request])
    elm.admit(honest.requests[0])
    with trio.fail_after(10):
        assert (await wanted.ask()).account == 3


async def test_a_server_whose_history_misses_the_anchor_is_named_and_not_used() -> None:
    elm, other = Elm(), Elm()
    elm.decide(elm.town.admit("ben"))
    other.decide(other.town.admit("cem"))  # by the same witnesses: the anchor alone tells the two apart
    true, false = Server(elm, "true"), Server(other, "false")
    wanted = applicant(elm, Street(true, false), [true, false], anchor=1)
    await wanted.look()
    (trouble,) = wanted.troubles()
    assert "not the one of the invite" in trouble and false.address in trouble
    assert (len(true.requests), false.requests) == (1, [])


async def test_a_server_that_lags_behind_the_invite_is_waited_for(autojump_clock: MockClock) -> None:
    elm, late = Elm(), Elm()
    elm.decide(elm.town.admit("ben"))
    server = Server(late, "late")
    wanted = applicant(elm, Street(server), [server], anchor=1)
    await wanted.look()
    assert "has not heard yet" in wanted.troubles()[0] and wanted.ledger is None and server.requests == []
    server.elm = elm
    await wanted.look()
    assert wanted.troubles() == [] and server.requests == [wanted.request]


async def test_who_is_away_or_says_nothing_stops_nobody(autojump_clock: MockClock) -> None:
    elm = Elm()
    there, (away, silent, well) = street(elm, "away", "silent", "well")
    away.away, silent.hangs = "refused", True
    wanted = applicant(elm, there, [away, silent, well])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wanted.ask)
        await trio.sleep(60)
        assert wanted.troubles() == [
            f"{away.address}: not reached: refused", f"{silent.address}: it takes too long to answer",
        ]  # fmt: skip
        elm.admit(well.requests[0])
    assert wanted.admission is not None


async def test_a_single_look_does_not_wait_for_a_door_that_says_nothing(autojump_clock: MockClock) -> None:
    elm = Elm()
    there, (silent, well) = street(elm, "silent", "well")
    silent.hangs = True
    for request in (True, False):
        invite = elm.invite([silent.address, well.address])
        wanted = Applicant(invite, asked(invite) if request else None, there, lambda: NOW)
        then = trio.current_time()
        await wanted.look()
        assert trio.current_time() - then < 5 and wanted.ledger is not None and wanted.is_asked is request


async def test_a_server_that_hides_the_admission_does_not_hide_it_from_who_asks_others(
    autojump_clock: MockClock,
) -> None:
    elm, stale = Elm(), Elm()
    honest, hiding = Server(elm, "honest"), Server(stale, "hiding")
    wanted = applicant(elm, Street(hiding, honest), [hiding, honest])
    await wanted.look()
    elm.admit(honest.requests[0])
    with trio.fail_after(20):
        await wanted.ask()


async def test_an_expired_invite_is_told_and_nothing_is_left() -> None:
    elm = Elm()
    there, servers = street(elm, "one")
    wanted = applicant(elm, there, servers, now=NOW + papers.DAY_S)
    await wanted.look()
    assert wanted.fault() == "expired" and servers[0].requests == []


async def test_an_invite_of_other_stewards_is_told() -> None:
    elm = Elm()
    there, servers = street(elm, "one")
    invite = papers.invite(elm.town, papers.voucher(elm.town, by=key("eve")), addresses=(servers[0].address,))
    wanted = Applicant(invite, asked(invite), there, lambda: NOW)
    await wanted.look()
    assert wanted.fault() == "altered" and servers[0].requests == []


async def test_a_name_that_somebody_else_has_by_now_is_told(autojump_clock: MockClock) -> None:
    elm = Elm()
    there, servers = street(elm, "one")
    wanted = applicant(elm, there, servers)
    await wanted.look()
    assert wanted.fault() is None
    elm.decide(elm.town.admit("eve"))
    await wanted.look()
    assert wanted.fault() == "handle_taken" and wanted.admission is None


async def test_an_invite_that_all_call_used_up_is_used_up_and_one_liar_is_not_all() -> None:
    elm = Elm()
    there, servers = street(elm, "one", "two")
    servers[0].accepts = lambda _: "used_up"
    wanted = applicant(elm, there, servers)
    await wanted.look()
    assert wanted.fault() is None and wanted.is_asked
    assert "as often as it allows" in wanted.troubles()[0]
    servers[1].away = "refused"
    again = applicant(elm, there, servers)
    await again.look()
    assert again.fault() == "used_up" and not again.is_asked


async def test_a_door_that_turns_away_everybody_is_told_in_words() -> None:
    elm = Elm()
    there, servers = street(elm, "one")
    servers[0].turns = "too_busy"
    wanted = applicant(elm, there, servers)
    await wanted.look()
    assert wanted.troubles() == [f"{servers[0].address}: it turns this home away: too busy"]
    assert wanted.fault() is None and Turned("too_busy").code == "too_busy"
    assert not any(isinstance(question, LeaveRequest) for question in servers[0].questions)
