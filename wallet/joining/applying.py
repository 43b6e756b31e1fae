"""The applicant: asks at the doors of an invite until its own key is admitted, believing only what is proven.

Each address of the invite is visited by itself: account 0 is read as far as it goes and judged here, and the request is
left, again from time to time. A server that is away, turns this home away or shows what cannot be so spoils its own
visits alone. Writes nothing to any disk; what admission leads to is in `joining`.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import trio

from node import wallclock
from protocol.base import AccountId, Malformed, Signature
from protocol.invite import Invite, InviteFault, invite_fault
from protocol.knocks import (
    CommonsPage,
    Knock,
    LeaveRequest,
    ReadCommons,
    Reply,
    Turned,
    Welcome,
    decode_reply,
    encode_knock,
    knock_content,
)
from protocol.ledger import Ledger
from protocol.request import WORDS, Request
from protocol.signing import Tag, sign

from .commons_reading import Reading, Untrue
from .kept import account_of

KNOCK_TIMEOUT_S = 8.0
"""To be reached, and for each answer."""
VISIT_S = 50.0
"""A doorstep lets nobody stay for longer than a minute; a long account 0 is read in several visits."""
QUESTIONS_MAX = 60
"""In one visit; what is left is asked in the next."""
GRACE_S = 2.0
"""How long a single look waits for the other doors once one was of use."""
FIRST_PAUSE_S = 1.0
PAUSE_GROWTH = 1.3
PAUSE_MAX_S = 15.0
LEAVE_AGAIN_S = 300.0


class AskedPeer(Protocol):
    """A door that was opened: `node.transport.Doorstep` fits it."""

    @property
    def server_peer(self) -> str: ...

    async def ask(self, frame: bytes) -> bytes: ...


class Knocking(Protocol):
    """What an applicant needs of the transport, which fits it. `knock` raises an OSError that says why."""

    @property
    def peer_id(self) -> str: ...

    def knock(self, address: str, timeout_s: float) -> AbstractAsyncContextManager[AskedPeer]: ...


@dataclass(eq=False, slots=True)
class Door:
    """One address of the invite, and how it went there."""

    address: str
    reading: Reading
    left_at: float | None = None
    """When the request was last taken there, on trio's clock."""
    turned: str | None = None
    """The code with which it turned this home away the last time."""
    trouble: str | None = None
    """Why the last visit came to nothing, in words."""
    is_read: bool = False
    """All that it has was read, up to now."""
    is_untrue: bool = False
    """What it showed the last time cannot be so."""


@dataclass(frozen=True, slots=True)
class Admission:
    """This home was admitted, as a reading proves."""

    account: AccountId
    reading: Reading


class Applicant:
    """Asks by one invite. Without a request it only looks. `clock`: seconds since 1970, by default this computer's."""

    def __init__(
        self, invite: Invite, request: Request | None, knocking: Knocking, clock: Callable[[], int] | None = None
    ) -> None:
        self.invite = invite
        self.request = request
        self.admission: Admission | None = None
        self.doors = [Door(address, self._fresh()) for address in invite.addresses]
        self._knocking = knocking
        self._clock = clock or wallclock.now_s

    # How it stands

    @property
    def ledger(self) -> Ledger | None:
        """The longest account 0 that was proven and holds the invite's anchor; None when nobody has shown one."""
        proven = [door.reading for door in self.doors if door.reading.holds_anchor]
        return max(proven, key=lambda reading: reading.height).ledger if proven else None

    @property
    def is_asked(self) -> bool:
        """Tell whether anybody took the request."""
        return any(door.left_at is not None for door in self.doors)

    def fault(self) -> str | None:
        """The code of what keeps this home out for good, or None: by what is proven, else by what all doors say."""
        now, ledger = self._clock(), self.ledger
        if self.invite.voucher.expires <= now:
            return InviteFault.EXPIRED.code
        if ledger is not None and (found := invite_fault(ledger, self.invite, now)) is not None:
            return found.code
        if ledger is not None and self.request is not None and self.request.handle in ledger.commons.by_handle:
            return "handle_taken"
        if ledger is None and all(door.is_untrue for door in self.doors):
            return InviteFault.FOREIGN.code
        codes = [door.turned for door in self.doors if door.turned in WORDS]
        is_everywhere = all(door.turned or door.trouble for door in self.doors)
        return codes[0] if codes and is_everywhere else None

    def troubles(self) -> list[str]:
        """A line for each door that is of no use now."""
        return [f"{door.address}: {words}" for door in self.doors if (words := _words(door)) is not None]

    # Asking

    async def look(self) -> None:
        """Visit every door once, all at the same time.

        Ends when admission is known, and soon after one door was of use: those that are slow are not waited for.
        """
        async with trio.open_nursery() as nursery:
            for door in self.doors:
                nursery.start_soon(self._look_at, door, nursery.cancel_scope)

    async def ask(self) -> Admission:
        """Visit all doors again and again until this home is admitted."""
        async with trio.open_nursery() as nursery:
            for door in self.doors:
                nursery.start_soon(self._follow, door, nursery.cancel_scope)
        assert self.admission is not None
        return self.admission

    async def _look_at(self, door: Door, ends: trio.CancelScope) -> None:
        await self._visit_for(door, ends)
        if door.left_at is not None if self.request is not None else door.reading.holds_anchor:
            ends.deadline = min(ends.deadline, trio.current_time() + GRACE_S)

    async def _follow(self, door: Door, ends: trio.CancelScope) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            await self._visit_for(door, ends)
            await trio.sleep(0 if door.trouble is None and not door.turned and not door.is_read else pause_s)
            pause_s = min(PAUSE_MAX_S, pause_s * PAUSE_GROWTH)

    async def _visit_for(self, door: Door, ends: trio.CancelScope) -> None:
        await self._visit(door)
        if self.admission is not None:
            ends.cancel()

    async def _visit(self, door: Door) -> None:
        """Read and leave the request at one door; whatever goes wrong there is noted and ends only this visit."""
        turned = trouble = None
        is_untrue = False
        try:
            with trio.fail_after(VISIT_S):
                async with self._knocking.knock(door.address, KNOCK_TIMEOUT_S) as step:
                    turned = await self._converse(door, step)
                    if turned is None and door.is_read and not door.reading.holds_anchor:
                        trouble = "it has not heard yet of what the invite refers to"
        except Untrue as error:
            door.reading, is_untrue = self._fresh(), True
            trouble = f"not used: {error}"
        except Malformed:
            trouble = "not used: it answers with what is no answer"
        except trio.TooSlowError:
            trouble = "it takes too long to answer"
        except OSError as error:
            trouble = f"not reached: {error}"
        door.turned, door.trouble, door.is_untrue = turned, trouble, is_untrue

    async def _converse(self, door: Door, step: AskedPeer) -> str | None:
        """Read, and if this home is not admitted there, leave the request; the code with which it is turned away."""
        content = knock_content(step.server_peer, self._knocking.peer_id)
        proof = sign(self.invite.key, Tag.KNOCK, self.invite.community, content)
        turned = await self._read(door, step, proof)
        if turned is not None or not (door.is_read and door.reading.holds_anchor):
            return turned
        if self.request is None or self._find_admission(door.reading, self.request):
            return None
        if self.fault() is None and self._is_to_be_left(door):
            return await self._leave(door, step, self.request, proof)
        return door.turned  # nothing was asked, so what it said before still stands

    async def _read(self, door: Door, step: AskedPeer, proof: Signature) -> str | None:
        door.is_read = False
        for _ in range(QUESTIONS_MAX):
            question = ReadCommons(self.invite.community, self.invite.voucher, proof, door.reading.height + 1)
            match await _ask(step, question):
                case CommonsPage(bundle, height):
                    door.is_read = not door.reading.take(bundle, height)
                case Turned(code):
                    return code
                case _:
                    raise Malformed("no answer to this question")
            if door.is_read:
                break
            await trio.lowlevel.checkpoint()
        return None

    def _find_admission(self, reading: Reading, request: Request) -> bool:
        account = account_of(reading.ledger, request)
        if account is not None:
            self.admission = Admission(account, reading)
        return account is not None

    def _is_to_be_left(self, door: Door) -> bool:
        return door.left_at is None or trio.current_time() - door.left_at > LEAVE_AGAIN_S

    async def _leave(self, door: Door, step: AskedPeer, request: Request, proof: Signature) -> str | None:
        match await _ask(step, LeaveRequest(self.invite.community, request, proof)):
            case Welcome():
                door.left_at = trio.current_time()
            case Turned(code):
                return code
            case _:
                raise Malformed("no answer to this question")
        return None

    def _fresh(self) -> Reading:
        return Reading(self.invite.community, self.invite.height, self.invite.anchor)


async def _ask(step: AskedPeer, question: Knock) -> Reply:
    return decode_reply(await step.ask(encode_knock(question)))


def _words(door: Door) -> str | None:
    if door.turned is not None:
        return f"it turns this home away: {turned_words(door.turned)}"
    return door.trouble


def turned_words(code: str) -> str:
    """What a code of the doorstep means, in words without a full stop."""
    return WORDS.get(code, code.replace("_", " "))
