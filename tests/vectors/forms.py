"""Text forms, recovery words, keys and sealed notes: the content of forms.json."""

from typing import Any

from protocol.base import AccountId, CommunityId, EntryId, Malformed
from protocol.derivation import Role, account_key, wallet_branch, words_to_seed
from protocol.payment import PaymentId, community_text, read_community, read_payment_id, write_bech32m
from protocol.sealing import NotePlace, seal_note
from protocol.signing import SecretKey

ENTRY = EntryId(bytes(range(32)))
WORDS = (
    " ".join(["abandon"] * 23 + ["art"]),
    " ".join(["zoo"] * 23 + ["vote"]),
    "all hour make first leader extend hole alien behind guard gospel lava "
    "path output census museum junior mass reopen famous sing advance salt reform",
)


def read(text: str) -> str | None:
    """What a text id stands for, in hex, or None when it is no id."""
    try:
        if text.lower().startswith("pay"):
            payment = read_payment_id(text)
            return (payment.entry + bytes([payment.op])).hex()
        return read_community(text).hex()
    except Malformed:
        return None


def _ids() -> list[dict[str, Any]]:
    payment, community = str(PaymentId(ENTRY, 63)), community_text(CommunityId(ENTRY))
    swapped = payment[:10] + payment[11] + payment[10] + payment[12:]
    texts = {
        "a payment, op 63": payment,
        "a payment, op 0": str(PaymentId(ENTRY, 0)),
        "a payment in upper case": payment.upper(),
        "a community": community,
        "a payment in mixed case": payment[:8].upper() + payment[8:],
        "two letters swapped": swapped,
        "a letter too few": payment[:-1],
        "a letter too many": payment + "q",
        "a letter that is not in the alphabet": payment[:-1] + "b",
        "no separator": payment.replace("1", "", 1),
        "op 64": write_bech32m("pay", ENTRY + bytes([64])),
        "a payment of 32 bytes": write_bech32m("pay", ENTRY),
        "a community of 33 bytes": write_bech32m("com", ENTRY + b"\0"),
        "the prefix of another kind": write_bech32m("lay", ENTRY + b"\0"),
        "nothing": "",
    }
    return [{"name": name, "rule": "R19.1", "text": text, "bytes": read(text)} for name, text in texts.items()]


def _keys() -> list[dict[str, Any]]:
    rows = []
    for words in WORDS:
        seed = words_to_seed(words)
        keys = {
            f"m/74'/1'/{ordinal}'/{int(role)}'/{generation}'": account_key(
                wallet_branch(seed), ordinal, generation, role
            ).public.hex()
            for ordinal, role, generation in ((0, Role.MEMBER, 0), (0, Role.MEMBER, 1), (7, Role.STEWARD, 2))
        }
        rows.append({"rule": "R19.3", "words": words, "seed": seed.hex(), "keys": keys})
    return rows


def _notes() -> list[dict[str, Any]]:
    payer, payee = SecretKey.from_seed(bytes([3]) * 32), SecretKey.from_seed(bytes([5]) * 32)
    place = NotePlace(CommunityId(ENTRY), AccountId(1), 0, 9, AccountId(2))
    texts = ("", "bread", "x" * 31, "x" * 32, "ä" * 111)
    fixed = {"rule": "R14.11", "payer seed": "03" * 32, "payee seed": "05" * 32, "community": ENTRY.hex(),
             "payer": 1, "incarnation": 0, "seq": 9, "payee": 2}  # fmt: skip
    return [{**fixed, "text": text, "box": seal_note(text, place, payer, payee.public).box.hex()} for text in texts]


def forms() -> dict[str, Any]:
    """All of forms.json."""
    return {"ids": _ids(), "words": _keys(), "notes": _notes()}
