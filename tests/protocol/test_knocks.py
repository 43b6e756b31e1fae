"""The doorstep's questions and answers: all read back, nothing else is read, and a proof is good at one door only."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from protocol import codec
from protocol.base import NO_COMMUNITY, CommunityId, Malformed, Signature
from protocol.bundles import Bundle
from protocol.knocks import (
    FOUNDING_BYTES_MAX,
    KNOCKS,
    QUESTION_BYTES_MAX,
    REPLIES,
    SHOWN_MAX,
    Acceptance,
    AskAcceptance,
    BeFounded,
    CommonsPage,
    Knock,
    LeaveRequest,
    ReadCommons,
    Reply,
    ShowRecords,
    Turned,
    Welcome,
    decode_knock,
    decode_reply,
    encode_knock,
    encode_reply,
    is_proof,
    knock_content,
)
from protocol.messages import FRAME_BYTES_MAX
from protocol.record import Kind, Record, SignedRecord
from protocol.signing import SecretKey, Tag, sign

from ..builders import authority, found
from ..papers import ADDRESS, SEED, card, peer, request, signed_request, voucher

TOWN = found("ana", "ben", witnesses=3)
PROOF = sign(SecretKey.from_seed(SEED), Tag.KNOCK, TOWN.community, knock_content(peer("node"), peer("carl")))
BUNDLE = Bundle((TOWN.founding,), (TOWN.certificate(TOWN.propose()),))
WHERE = (f"{ADDRESS}/p2p/{peer('node')}",)

QUESTIONS: list[Knock] = [
    ShowRecords(TOWN.community, ()),
    ShowRecords(TOWN.community, (card(TOWN, TOWN["ana"]),) * SHOWN_MAX),
    ReadCommons(TOWN.community, voucher(TOWN), PROOF, 0),
    LeaveRequest(TOWN.community, request(TOWN, voucher(TOWN), "carl"), PROOF),
    AskAcceptance(TOWN.founding.body, PROOF),
    BeFounded(Bundle(), (), (), PROOF),
    BeFounded(BUNDLE, (card(TOWN, TOWN["ana"]),), WHERE, PROOF),
]
ANSWERS: list[Reply] = [
    Welcome(),
    Turned("handle_taken"),
    CommonsPage(Bundle(), 0),
    CommonsPage(BUNDLE, 1),
    Acceptance(PROOF),
]


def test_all_questions_and_answers_read_back() -> None:
    assert {type(question) for question in QUESTIONS} == set(KNOCKS.values())
    assert {type(answer) for answer in ANSWERS} == set(REPLIES.values())
    assert not set(KNOCKS) & set(REPLIES)
    for question in QUESTIONS:
        assert decode_knock(encode_knock(question)) == question
    for answer in ANSWERS:
        assert decode_reply(encode_reply(answer)) == answer


def test_a_question_cut_short_or_with_something_after_it_is_not_read() -> None:
    for frame in [encode_knock(question) for question in QUESTIONS]:
        for length in range(0, len(frame), 7):
            with pytest.raises(Malformed):
                decode_knock(frame[:length])
        with pytest.raises(Malformed):
            decode_knock(frame + b"\0")


def test_the_largest_request_fits_a_question() -> None:
    names = tuple(f"key {number}" for number in range(16))
    unsigned = request(TOWN, voucher(TOWN), "carl", "g" * 200)
    many = signed_request(TOWN, replace(unsigned, authority=authority(*names)), SEED, *names)
    assert len(encode_knock(LeaveRequest(TOWN.community, many, PROOF))) < QUESTION_BYTES_MAX
    shown = [question for question in QUESTIONS if isinstance(question, ShowRecords)][-1]
    assert len(encode_knock(shown)) < QUESTION_BYTES_MAX


def _question(*fields: codec.Plain) -> bytes:
    return codec.encode(fields)


HERE, GOOD_VOUCHER, ONE = TOWN.community, voucher(TOWN).plain(), card(TOWN, TOWN["ana"]).plain()
BAD_QUESTIONS = {
    "nothing": b"",
    "an empty array": _question(),
    "a number": b"\x02",
    "not msgpack": b"\xc1",
    "tag 0": _question(0),
    "tag 6": _question(6),
    "a tag that is text": _question("1"),
    "an answer": encode_reply(Welcome()),
    "a message of a link": codec.encode((25, TOWN.propose().encode())),
    "a longer form": b"\xdc\x00\x03" + encode_knock(QUESTIONS[0])[1:],
    "records: a field too few": _question(1, HERE),
    "records: a field too many": _question(1, HERE, (), 0),
    "records: a community of 31 bytes": _question(1, HERE[:31], ()),
    "records: nine of them": _question(1, HERE, (ONE,) * 9),
    "records: no record": _question(1, HERE, (7,)),
    "commons: a field too few": _question(2, HERE, GOOD_VOUCHER, PROOF),
    "commons: a voucher cut short": _question(2, HERE, GOOD_VOUCHER[:6], PROOF, 0),
    "commons: a proof of 63 bytes": _question(2, HERE, GOOD_VOUCHER, PROOF[:63], 0),
    "commons: no proof": _question(2, HERE, GOOD_VOUCHER, b"", 0),
    "commons: a first seq beyond 2^63": _question(2, HERE, GOOD_VOUCHER, PROOF, 2**63),
    "commons: a voucher with a bad key": _question(2, HERE, (bytes(32), *GOOD_VOUCHER[1:]), PROOF, 0),
    "request: no request": _question(3, HERE, (), PROOF),
    "request: a proof too long": _question(3, HERE, request(TOWN, voucher(TOWN), "carl").plain(), PROOF + b"\0"),
    "acceptance: a body of 4,097 bytes": _question(4, bytes(4097), PROOF),
    "acceptance: no proof": _question(4, TOWN.founding.body),
    "founding: a malformed entry": _question(5, (b"\x90",), (), (), (), PROOF),
    "founding: a malformed certificate": _question(5, (), (b"\x90",), (), (), PROOF),
    "founding: 65 records": _question(5, (), (), (ONE,) * 65, (), PROOF),
    "founding: 65 peers": _question(5, (), (), (), WHERE * 65, PROOF),
    "founding: a peer without its id": _question(5, (), (), (), (ADDRESS,), PROOF),
    "founding: a peer that is no address": _question(5, (), (), (), ("node.example:4001",), PROOF),
    "founding: a field too few": _question(5, (), (), (), ()),
    "a question of more than 16 KiB": _question(4, TOWN.founding.body, PROOF, bytes(QUESTION_BYTES_MAX)),
    "a founding of more than 256 KiB": _question(5, (), (), (), (), bytes(FOUNDING_BYTES_MAX)),
}


@pytest.mark.parametrize("name", BAD_QUESTIONS)
def test_what_is_no_question_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        decode_knock(BAD_QUESTIONS[name])


def _padded(size: int, count: int, question: Callable[[tuple[SignedRecord, ...]], Knock]) -> bytes:
    """A question of `count` long records whose frame has exactly `size` bytes."""
    many = tuple((index, Signature(bytes(64))) for index in range(16))
    listed = [SignedRecord(Record(TOWN["ana"], Kind.OFFER, b"", 0, bytes(400)), many) for _ in range(count)]
    for place in range(count):
        lacking = size - len(encode_knock(question(tuple(listed))))
        longer = bytes(400 + max(0, min(lacking, 624)))
        listed[place] = replace(listed[place], record=replace(listed[place].record, body=longer))
    return encode_knock(question(tuple(listed)))


def test_a_question_of_16_kib_is_read_and_a_longer_one_is_not_although_all_in_it_is_right() -> None:
    assert (QUESTION_BYTES_MAX, FOUNDING_BYTES_MAX) == (16_384, 262_144)
    for size in (16_384, 16_385):
        frame = _padded(size, SHOWN_MAX, lambda records: ShowRecords(TOWN.community, records))
        assert len(frame) == size
        if size <= QUESTION_BYTES_MAX:
            assert isinstance(decode_knock(frame), ShowRecords)
        else:
            with pytest.raises(Malformed, match="at most 16384"):
                decode_knock(frame)


def test_a_founding_may_be_longer() -> None:
    entries = (TOWN.founding,) * 240
    for size in (QUESTION_BYTES_MAX + 1, 262_144, 262_145):
        held = Bundle(entries[: 240 if size > 200_000 else 0])
        frame = _padded(size, 64 if size > 200_000 else 8, partial(_founding, held))
        assert len(frame) == size
        if size <= FOUNDING_BYTES_MAX:
            assert isinstance(decode_knock(frame), BeFounded)
        else:
            with pytest.raises(Malformed, match="at most 262144"):
                decode_knock(frame)


def _founding(bundle: Bundle, records: tuple[SignedRecord, ...]) -> BeFounded:
    return BeFounded(bundle, records, (), PROOF)


BAD_ANSWERS = {
    "nothing": b"",
    "an empty array": _question(),
    "a question": encode_knock(QUESTIONS[0]),
    "tag 21": _question(21),
    "a welcome with a field": _question(17, 0),
    "a refusal without its code": _question(18),
    "a refusal with an empty code": _question(18, ""),
    "a code of 33 letters": _question(18, "a" * 33),
    "a code with an escape": _question(18, "\x1b[2J"),
    "a code in capitals": _question(18, "Expired"),
    "a code that is a number": _question(18, 7),
    "a page without its height": _question(19, (), ()),
    "a page with a malformed entry": _question(19, (TOWN.founding.encode()[:-1],), (), 0),
    "a height beyond 2^63": _question(19, (), (), 2**63),
    "a signature of 63 bytes": _question(20, PROOF[:63]),
    "more than 1 MiB": _question(19, (), (), bytes(FRAME_BYTES_MAX)),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_what_is_no_answer_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        decode_reply(BAD_ANSWERS[name])


def test_a_proof_is_good_for_one_asker_at_one_door_of_one_community() -> None:
    one_time, node, carl, eve = SecretKey.from_seed(SEED).public, peer("node"), peer("carl"), peer("eve")
    assert is_proof(one_time, HERE, node, carl, PROOF)
    for community, server, client in (
        (HERE, eve, carl), (HERE, node, eve), (HERE, carl, node), (NO_COMMUNITY, node, carl),
        (CommunityId(found("zoe").founding.id), node, carl),
    ):  # fmt: skip
        assert not is_proof(one_time, community, server, client, PROOF)
    assert not is_proof(SecretKey.from_seed(bytes(32)).public, HERE, node, carl, PROOF)
    assert not is_proof(one_time, HERE, node, carl, Signature(bytes(64)))
