"""Whatever bytes or letters come, each reader of what strangers hand over reads them or says Malformed, and no more."""

from collections.abc import Callable
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from protocol import codec
from protocol.addresses import Address
from protocol.base import Malformed
from protocol.host_card import HostCard, read_host_card
from protocol.invite import Invite, Voucher, read_invite
from protocol.knocks import KNOCKS, REPLIES, BeFounded, decode_knock, decode_reply, encode_knock
from protocol.notices import AskBoard, BoardState, Propose, Records, Requests
from protocol.payment import write_bech32m
from protocol.record import Kind, SignedRecord, read_body
from protocol.request import Request

from ..builders import found
from ..papers import ADDRESS, card, host_card, invite, peer, request, voucher

TOWN = found("ana")
ASKED, SHOWN = request(TOWN, voucher(TOWN), "carl"), card(TOWN, TOWN["ana"])

READERS: dict[str, Callable[[codec.Plain], object]] = {
    "record": SignedRecord.read,
    "request": Request.read,
    "voucher": Voucher.read,
    "invite": Invite.read,
    "card": HostCard.read,
    **{f"question {kind.__name__}": kind.read for kind in KNOCKS.values()},
    **{f"reply {kind.__name__}": kind.read for kind in REPLIES.values()},
    **{f"message {kind.__name__}": kind.read for kind in (Propose, Records, BoardState, AskBoard, Requests)},
}
RIGHT: list[codec.Plain] = [
    SHOWN.plain(), ASKED.plain(), ASKED.voucher.plain(), invite(TOWN, voucher(TOWN)).plain(), host_card().plain(),
    (TOWN.community, (SHOWN.plain(),)), (TOWN.community, ASKED.plain(), bytes(64)), ((SHOWN.plain(),),),
]  # fmt: skip

LEAVES = st.one_of(
    st.integers(0, 40), st.integers(0, 2**63 - 1), st.binary(max_size=5),
    st.sampled_from([bytes(32), bytes(64), b"\xff" * 32]), st.text(max_size=8),
    st.sampled_from([ADDRESS, f"{ADDRESS}/p2p/{peer('node')}", peer("node")]),
    st.booleans(),
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=8).map(tuple), max_leaves=24)


@st.composite
def _bent(draw: st.DrawFn) -> codec.Plain:
    """A right value with one thing in it, at any depth, put out for another."""

    def bend(value: codec.Plain) -> codec.Plain:
        if type(value) is tuple and value and draw(st.booleans()):
            place = draw(st.integers(0, len(value) - 1))
            return (*value[:place], bend(value[place]), *value[place + 1 :])
        return draw(VALUES)

    return bend(draw(st.sampled_from(RIGHT)))


@given(st.one_of(_bent(), VALUES))
def test_any_value_is_read_or_malformed(value: codec.Plain) -> None:
    for read in READERS.values():
        with suppress(Malformed):
            read(value)


@given(VALUES, st.sampled_from(list(Kind)), st.binary(max_size=40))
def test_any_body_is_read_or_malformed(value: codec.Plain, kind: Kind, raw: bytes) -> None:
    for body in (raw, codec.encode(value)):
        with suppress(Malformed):
            read_body(kind, body)


@given(st.binary(max_size=60), st.integers(0, 500), st.binary(max_size=3))
@example(b"", 0, b"")
def test_any_frame_is_read_or_malformed(raw: bytes, place: int, patch: bytes) -> None:
    frame = encode_knock(BeFounded.read(((), (), (SHOWN.plain(),), (), bytes(64))))
    for bytes_ in (raw, frame[:place] + patch + frame[place + len(patch) :]):
        for decode in (decode_knock, decode_reply):
            with suppress(Malformed):
                decode(bytes_)


LETTERS = st.text(st.characters(exclude_categories=()), max_size=30)


@given(LETTERS, LETTERS, st.integers(0, 600), st.sampled_from([str(invite(TOWN, voucher(TOWN))), str(host_card())]))
def test_any_text_is_read_or_malformed(before: str, after: str, length: int, text: str) -> None:
    for strange in (before, before + text[:length] + after, before + text + after):
        for read in (read_invite, read_host_card, Address.read):
            with suppress(Malformed):
                read(strange)


@given(st.one_of(_bent(), VALUES))
def test_any_value_under_a_right_checksum_is_read_or_malformed(value: codec.Plain) -> None:
    raw = b"\x01" + codec.encode(value)
    for prefix, read in (("invite", read_invite), ("card", read_host_card)):
        text = write_bech32m(prefix, raw, most=10_000)
        with suppress(Malformed):
            read(text)
