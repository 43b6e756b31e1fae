"""Bytes that are no value, values that are no entry: all malformed, however harmless they look."""

import msgpack

from protocol import codec
from protocol.base import ENTRY_BYTES_MAX, INCARNATION_MAX, KEYS_MAX
from protocol.codec import ITEMS_MAX, Plain
from protocol.entry import SIGNED_BYTES_MAX
from protocol.statements import CERTIFICATE_BYTES_MAX
from tests.builders import Town, found
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", limit=100, witnesses=1)
    tale = Story("values", "What a decoder must take and must not take; and the same for entries and statements.", town)
    tale.open("ana")
    _right_values(tale)
    _wrong_values(tale)
    _twins(tale, town)
    _fields(tale, town)
    _ops(tale, town)
    _statements(tale, town)
    return tale


def _right_values(tale: Story) -> None:
    values: list[tuple[str, Plain]] = [
        (f"the integer {number}", number)
        for number in (0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1)
    ]
    values += [(f"text of {size} bytes", "x" * size) for size in (0, 31, 32, 255, 256)]
    values += [(f"{size} bytes", bytes(size)) for size in (0, 255, 256, 65_535, 65_536)]
    values += [(f"an array of {count}", (0,) * count) for count in (0, 15, 16, ITEMS_MAX)]
    values += [("text of four-byte letters", "\U0001f35e" * 3), ("arrays in arrays", (((1, (b"",)), "a"),))]
    for name, value in values:
        tale.step(name, "R14.2", "value", codec.encode(value))


def _wrong_values(tale: Story) -> None:
    for name, raw in {
        "no bytes": "",
        "1 in two bytes": "cc01",
        "1 in three bytes": "cd0001",
        "1 in five bytes": "ce00000001",
        "1 in nine bytes": "cf0000000000000001",
        "128 in three bytes": "cd0080",
        "256 in five bytes": "ce00000100",
        "2^32 - 1 in nine bytes": "cf00000000ffffffff",
        "2^63": "cf8000000000000000",
        "2^64 - 1": "cfffffffffffffffff",
        "1 as a signed integer": "d001",
        "-1": "ff",
        "-32": "e0",
        "-128": "d080",
        "1.0 in four bytes": "ca3f800000",
        "1.0 in eight bytes": "cb3ff0000000000000",
        "not a number": "cb7ff8000000000000",
        "nil": "c0",
        "true": "c3",
        "false": "c2",
        "an empty map": "80",
        "a map": "810102",
        "an extension": "d40100",
        "an empty extension": "c70001",
        "a time": "d6ff00000000",
        "the byte that means nothing": "c1",
        "text with a longer head": "d90161",
        "text with a much longer head": "da000161",
        "bytes with a longer head": "c5000161",
        "an array with a longer head": "dc000101",
        "an array with a much longer head": "dd0000000101",
        "an array that ends too early": "9201",
        "text that ends too early": "a261",
        "bytes that end too early": "c402ff",
        "a value and another": "0101",
        "a value and a stray zero": "9101" + "00",
        "text that is not UTF-8": "a1ff",
        "text with half a pair of surrogates": "a3eda080",
        "text with a letter in too many bytes": "a2c081",
        "nil in an array": "91c0",
        "true in an array in an array": "9191c3",
        "a map in an array": "918101" + "02",
        "an array said to have 2^32 - 1 items": "ddffffffff",
        "bytes said to be 2^32 - 1 long": "c6ffffffff00",
    }.items():
        tale.malformed(name, "R14.3", bytes.fromhex(raw), "value")
    tale.malformed("an array of 1025", "R14.1", b"\xdc\x04\x01" + bytes(1025), "value")
    tale.step("arrays 1024 deep", "R14.1", "value", b"\x91" * 1023 + b"\x90")
    tale.step("the integer 0, 1024 arrays deep", "R14.1", "value", b"\x91" * 1024 + b"\x00")
    tale.malformed("arrays 1025 deep", "R14.1", b"\x91" * 1024 + b"\x90", "value")


def _twins(tale: Story, town: Town) -> None:
    """The same entry in other bytes: it would have another id, or the same id under other bytes."""
    signed = town.draft("ana", send(town["ben"], 1))
    body = signed.body
    for name, twin in {
        "the version in two bytes": b"\x98\xcc\x01" + body[2:],
        "the body as a longer array": b"\xdc\x00\x08" + body[1:],
        "a stray byte after the body": body + b"\x00",
        "the body without its last byte": body[:-1],
        "prev as text": body[:5] + b"\xd9\x20" + b"a" * 32 + body[39:],
    }.items():
        tale.malformed(name, "R14.3", codec.encode((twin, signed.signatures)))
    raw = signed.encode()
    tale.malformed("the signed form with a longer head", "R14.3", b"\xdc\x00\x02" + raw[1:])
    tale.malformed("the signed form and a stray byte", "R14.3", raw + b"\x00")
    tale.malformed("the signed form without its last byte", "R14.3", raw[:-1])
    tale.malformed("the body with a longer head of its length", "R14.3", b"\x92\xc5" + len(body).to_bytes(2) + raw[3:])
    tale.malformed("more bytes than a signed form can have", "R14.8", codec.encode((bytes(SIGNED_BYTES_MAX), ())))
    tale.malformed("a body longer than an entry can be", "R14.8", codec.encode((bytes(ENTRY_BYTES_MAX + 1), ())))
    signature = signed.signatures[0][1]
    for name, listed in {
        "signatures out of order": ((1, signature), (0, signature)),
        "two signatures of one key": ((0, signature), (0, signature)),
        "a signature of 63 bytes": ((0, signature[:63]),),
        "a signature of 65 bytes": ((0, signature + b"\0"),),
        "an index that no key can have": ((2 * KEYS_MAX + 1, signature),),
        "signatures that are no pairs": (signature,),
        "signatures as bytes": signature,
    }.items():
        tale.malformed(name, "R14.7", codec.encode((body, listed)))
    tale.malformed("a round in a member's signed form", "R14.8", codec.encode((body, signed.signatures, 0)))
    tale.malformed("no round in account 0's", "R14.8", codec.encode((town.founding.body, town.founding.signatures)))
    tale.malformed("no signatures at all in the signed form", "R14.8", codec.encode((body,)))
    tale.malformed("the body not as bytes", "R14.8", codec.encode((codec.decode(body, 4096), signed.signatures)))
    tale.final("the entry itself", "R14.8", town.keep(signed))


def _malformed_body(tale: Story, name: str, rule: str, fields: object) -> None:
    raw = msgpack.packb(fields, use_bin_type=True)
    tale.malformed(name, rule, codec.encode((raw, ((0, bytes(64)),))))


def _fields(tale: Story, town: Town) -> None:
    right = [1, 1, 0, 2, bytes(32), 0, 0, [[2, 2, 1, []]]]
    for name, at, value in (
        ("the version as text", 0, "1"),
        ("a negative version", 0, -1),
        ("an account above the last one", 1, 2**32),
        ("an incarnation above the last one", 2, 65_536),
        ("a negative seq", 3, -1),
        ("a seq that is true", 3, True),
        ("a seq with a fraction", 3, 2.0),
        ("a seq of 2^63", 3, 2**63),
        ("prev of 31 bytes", 4, bytes(31)),
        ("prev of 33 bytes", 4, bytes(33)),
        ("no prev", 4, b""),
        ("height nil", 5, None),
        ("a time before 1970", 6, -1),
        ("ops that are no array", 7, 5),
        ("an op that is no array", 7, [2]),
        ("an op that is empty", 7, [[]]),
        ("ops as a map", 7, {}),
    ):
        _malformed_body(tale, name, "R14.8", [*right[:at], value, *right[at + 1 :]])
    _malformed_body(tale, "a field too many", "R14.8", [*right, 0])
    _malformed_body(tale, "a field too few", "R14.8", right[:-1])
    _malformed_body(tale, "a body that is an integer", "R14.8", 7)


def _ops(tale: Story, town: Town) -> None:
    key = town.founding.entry.ops[1].plain()[4][0]
    for name, op in (
        ("an op tag as text", ["send", 2, 1, []]),
        ("an op tag that is too large", [257]),
        ("a negative op tag", [-1]),
        ("a send without a note", [2, 2, 1]),
        ("a send with a field too many", [2, 2, 1, [], 0]),
        ("a negative amount", [2, 2, -1, []]),
        ("an amount with a fraction", [2, 2, 2.5, []]),
        ("an amount of 2^63", [2, 2, 2**63, []]),
        ("an amount that is true", [2, 2, True, []]),
        ("an amount as text", [2, 2, "1", []]),
        ("a payee above the last account", [2, 2**32, 1, []]),
        ("a note of 257 bytes", [2, 2, 1, [1, "x" * 257]]),
        ("a note of 129 letters of two bytes", [2, 2, 1, [1, "ä" * 129]]),
        ("a box of 257 bytes", [2, 2, 1, [2, bytes(257)]]),
        ("a note of kind 3", [2, 2, 1, [3, "x"]]),
        ("a note of kind true", [2, 2, 1, [True, "x"]]),
        ("a note that is text alone", [2, 2, 1, "x"]),
        ("public words as bytes", [2, 2, 1, [1, b"x"]]),
        ("a box as text", [2, 2, 1, [2, "x"]]),
        ("a recv from incarnation 65,536", [3, 2, 65_536, 0, 0]),
        ("a recv with a negative total", [3, 2, 0, 0, -1]),
        ("a recv without a total", [3, 2, 0, 0]),
        ("a bounce with a fraction for a seq", [4, 2, 0, 1.5]),
        ("an open with a key of 31 bytes", [1, 1, [key[:31]], bytes(32)]),
        ("an open with 17 keys", [1, 9, [key] * 17, bytes(32)]),
        ("an open with threshold 17", [1, 17, [key], bytes(32)]),
        ("an open whose next is 31 bytes", [1, 1, [key], bytes(31)]),
        ("a limit above the largest", [34, [[1, 10**15 + 1]]]),
        ("a limit below zero", [34, [[1, -1]]]),
        ("limits of three fields", [34, [[1, 2, 3]]]),
        ("a levy above the whole", [37, 1, 1, 0, 1_000_001, 0]),
        ("a ceiling above the largest", [37, 1, 1, 10**15 + 1, 0, 0]),
        ("a reason of 257 bytes", [40, 1, 0, 1, "x" * 257]),
        ("acceptances out of order", [39, 1, [key, key], [[1, bytes(64)], [0, bytes(64)]]]),
    ):
        _malformed_body(tale, name, "R14.10", [1, 1, 0, 2, bytes(32), 0, 0, [op]])
    for name, field in (
        ("a fraction", 1.5),
        ("nil", None),
        ("true", True),
        ("a negative number", -1),
        ("2^63", 2**63),
        ("an empty map", {}),
        ("an extension", msgpack.ExtType(5, b"x")),
    ):
        for depth, fields in ((0, field), (2, [[field]])):
            _malformed_body(
                tale, f"{name}, {depth} deep in an op that nobody knows", "R14.1",
                [1, 1, 0, 2, bytes(32), 0, 0, [[99, fields]]],
            )  # fmt: skip


def _statements(tale: Story, town: Town) -> None:
    certificate = town.certificate(town.draft("ana", send(town["ben"], 1)))
    place, (vote,) = certificate.place.plain(), certificate.votes
    for name, fields in (
        ("a certificate with one witness twice", (*place, (vote, vote))),
        ("a certificate with witnesses descending", (*place, ((1, *vote[1:]), (0, *vote[1:])))),
        ("a certificate with witness 16", (*place, ((16, *vote[1:]),))),
        ("a certificate without votes in it", place),
        ("a certificate whose id has 31 bytes", (*place[:4], place[4][:31], (vote,))),
        ("a certificate with a short signature", (*place, ((0, 0, bytes(63)),))),
    ):
        tale.malformed(name, "R7.2", codec.encode(fields), "certificate")
    tale.malformed(
        "a certificate that is too long",
        "R7.2",
        codec.encode((*place, (vote,), bytes(CERTIFICATE_BYTES_MAX))),
        "certificate",
    )
    tale.malformed("a vote of kind 2", "R7.1", codec.encode((2, *place, 0, 0, bytes(64))), "vote")
    epoch, account, _, *rest = place
    far = epoch, account, INCARNATION_MAX + 1, *rest
    tale.malformed(
        "a certificate of a member's incarnation 65,536", "R7.2", codec.encode((*far, (vote,))), "certificate"
    )
    tale.malformed("a vote of a member's incarnation 65,536", "R7.1", codec.encode((0, *far, 0, 0, bytes(64))), "vote")
    tale.malformed("a commit of the same", "R7.1", codec.encode((1, *far, 0, 0, bytes(64))), "vote")
    tale.malformed("a nack of the same", "R6.6", codec.encode((*far, 0, 22, 0, bytes(64))), "nack")
    tale.malformed("a nack with code 256", "R6.6", codec.encode((*place, 0, 256, 0, bytes(64))), "nack")
    tale.malformed("a proof of one entry", "R9.1", codec.encode((town.founding.encode(),)), "proof")
