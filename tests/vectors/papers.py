"""Invites, hosts' cards, records, vouchers, requests, and what is asked at the doorstep: the content of papers.json.

All of it is about one community, whose founding entry is all that was decided: ana is free, ben suspended, cid frozen.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from protocol import codec
from protocol.addresses import peer_text
from protocol.base import COMMONS, AccountId, Malformed, Signature
from protocol.bodies import ROLE_WALLET, ROLE_WITNESS, Accept, Call, Card, Offer, Profile, Serve
from protocol.bundles import Bundle
from protocol.host_card import read_host_card
from protocol.invite import read_invite, voucher_fault
from protocol.knocks import (
    Acceptance,
    AskAcceptance,
    BeFounded,
    CommonsPage,
    LeaveRequest,
    ReadCommons,
    ShowRecords,
    Turned,
    Welcome,
    encode_knock,
    encode_reply,
    knock_content,
)
from protocol.ledger import Ledger
from protocol.ops import Suspend
from protocol.payment import write_bech32m
from protocol.record import Kind, SignedRecord, record_fault
from protocol.request import Request, request_fault
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import acceptance_content
from tests.builders import Town, accept, authority, found, key
from tests.papers import (
    ADDRESS,
    DAY_S,
    NOW_S,
    SEED,
    card,
    host_card,
    invite,
    peer,
    record,
    request,
    signed_request,
    voucher,
)

ANA, BEN, CID = AccountId(1), AccountId(2), AccountId(3)
OFFER = Offer("Bread", "food", "Baked today", 250, NOW_S + DAY_S)


def _town() -> Town:
    levels = (Suspend(BEN, 1), Suspend(CID, 2))
    return found("ana", "ben", "cid", stewards=("sue", "tom"), threshold=2, witnesses=3, ops=levels)


def _texts(town: Town) -> Iterable[tuple[str, str, str]]:
    """(name, rule, text) of invites and hosts' cards, good and bad."""
    made, spare = invite(town, voucher(town)), invite(town, voucher(town, uses=5))
    text, card_text = str(made), str(host_card())
    many = tuple(f"/dns/node{number}.example/tcp/4001/p2p/{peer('node')}" for number in range(4))
    yield "an invite", "R21.2", text
    yield "an invite of a member", "R21.2", str(invite(town, voucher(town, ANA)))
    yield "an invite for five, at four addresses", "R21.2", str(invite(town, voucher(town, uses=5), addresses=many))
    yield "a host's card, a witness", "R21.8", card_text
    yield "a host's card, an archive", "R21.8", str(host_card("other", witness=False))
    yield "as a link", "R21.1", made.link()
    yield "in upper case", "R21.1", text.upper()
    yield "in a file", "R21.1", made.file_text()
    yield "in lines, quoted", "R21.1", "come in: <tally:" + "\n".join([text[:90], text[90:180], text[180:]]) + ">."
    yield "twice the same", "R21.1", f"{text}\n{text}"
    yield "two different ones", "R21.1", f"{text}\n{spare}"
    yield "a letter too few", "R21.1", text[:-1]
    yield "two letters swapped", "R21.1", text[:50] + text[51] + text[50] + text[52:]
    yield "in mixed case", "R21.1", text[:50] + text[50:].upper()
    yield "with a parameter", "R21.1", f"tally:{text}?uses=9"
    yield "of version 2", "R21.1", write_bech32m("invite", b"\x02")
    yield "without a value", "R21.1", write_bech32m("invite", b"\x01")
    yield "without an address", "R21.2", _rewritten("invite", made.plain(), 3, ())
    yield "at an address without a peer", "R21.3", _rewritten("invite", made.plain(), 3, (ADDRESS,))
    yield "of 1,001 uses", "R21.2", _rewritten("invite", made.plain(), 5, (0, 1001, *made.voucher.plain()[3:]))
    yield "a card with the peer in its address", "R21.8", _rewritten("card", host_card().plain(), 2, many)
    yield "a card of a witness without its key", "R21.8", _rewritten("card", host_card().plain(), 3, b"")
    yield "a card with a key of small order", "R21.8", _rewritten("card", host_card().plain(), 0, bytes(32))
    yield "a payment", "R21.1", "pay17g8d5jac6xwklh29r0880kk7xjzq5nepesmxavn2gss7acuau5cszkn9gw2"


def _rewritten(prefix: str, fields: codec.Plain, place: int, value: codec.Plain) -> str:
    listed = (*fields[:place], value, *fields[place + 1 :])
    return write_bech32m(prefix, b"\x01" + codec.encode(listed), most=2000)


def content_of(text: str) -> str | None:
    """The value in an invite or a host's card, in hex, or None when nothing can be read."""
    for read in (read_invite, read_host_card):
        try:
            return codec.encode(read(text).plain()).hex()
        except Malformed:
            continue
    return None


def _bodies(town: Town) -> Iterable[tuple[str, Kind, bytes, bytes]]:
    shown = Card(peer("node"), ROLE_WALLET | ROLE_WITNESS, (ADDRESS, "/ip6/2001:db8::7/tcp/4001"), NOW_S + 1)
    keys = authority("sue", "tom").keys
    signature = sign(key("tom"), Tag.ACCEPT, town.community, acceptance_content(2, keys))
    yield "a card", Kind.CARD, shown.key, shown.body()
    yield "a card that expires now", Kind.CARD, shown.key, replace(shown, expires=NOW_S).body()
    yield "a card under another key", Kind.CARD, b"node", shown.body()
    yield "a card with a peer in its address", Kind.CARD, shown.key, codec.encode(
        (shown.peer, 1, (f"{ADDRESS}/p2p/{shown.peer}",), NOW_S + 1)
    )  # fmt: skip
    yield "a profile", Kind.PROFILE, b"", Profile("Ana's bakery", "Bread, and more").body()
    yield "a profile under a key", Kind.PROFILE, b"1", Profile("Ana").body()
    yield "a blank name", Kind.PROFILE, b"", Profile(" ").body()
    yield "a name that turns text round", Kind.PROFILE, b"", Profile("Ana\u202e").body()
    yield "an offer", Kind.OFFER, b"bread", OFFER.body()
    yield "a title of 81 bytes", Kind.OFFER, b"bread", replace(OFFER, title="t" * 81).body()
    yield "a want", Kind.WANT, b"flour", replace(OFFER, price=0).body()
    yield "a withdrawn offer", Kind.OFFER, b"bread", b""
    yield "serve", Kind.SERVE, b"", Serve(key("ana steward").public).body()
    yield "serve with a key of small order", Kind.SERVE, b"", codec.encode((bytes(32),))
    yield "a call", Kind.CALL, b"", Call(1, (ANA, BEN)).body()
    yield "a call for account 0", Kind.CALL, b"", codec.encode((1, (0,)))
    yield "an acceptance", Kind.ACCEPT, b"", Accept(2, keys, signature).body()
    yield "an acceptance of other terms", Kind.ACCEPT, b"", Accept(1, keys, signature).body()


def _records(town: Town) -> Iterable[tuple[str, str, SignedRecord]]:
    for name, kind, slot, body in _bodies(town):
        yield f"{name}, of ana", "R20.3", record(town, ANA, kind, slot, body)
    for author, words in ((COMMONS, "account 0"), (BEN, "ben, who is suspended"), (CID, "cid, who is frozen")):
        for name, kind, slot, body in _bodies(town):
            if name in ("a card", "a profile", "an offer", "a withdrawn offer"):
                yield f"{name}, of {words}", "R20.4", record(town, author, kind, slot, body)
    yield "of account 0, signed by the other steward", "R20.2", record(
        town, COMMONS, Kind.PROFILE, b"", Profile("Testville").body(), by=key("tom")
    )  # fmt: skip
    yield "of account 0, signed by a member", "R20.2", record(
        town, COMMONS, Kind.PROFILE, b"", Profile("Testville").body(), by=key("ana")
    )  # fmt: skip
    yield "of ana, signed by ben", "R20.2", record(town, ANA, Kind.OFFER, b"bread", OFFER.body(), by=key("ben"))
    yield "of ana, signed by a steward", "R20.2", record(town, ANA, Kind.OFFER, b"x", OFFER.body(), by=key("sue"))
    yield "of account 4, which nobody admitted", "R20.4", record(
        town, AccountId(4), Kind.OFFER, b"bread", OFFER.body(), by=key("ana")
    )  # fmt: skip
    yield "signed by nobody", "R20.2", replace(card(town, ANA), signatures=())


def _vouchers(town: Town) -> Iterable[tuple[str, Any]]:
    good = voucher(town)
    yield "of a steward", good
    yield "of the other steward", voucher(town, by=key("tom"))
    yield "of a steward, for five", voucher(town, uses=5, limit=10_000)
    yield "of a member", voucher(town, ANA)
    yield "of a member, with uses", voucher(town, ANA, uses=1)
    yield "of a suspended member", voucher(town, BEN)
    yield "of a frozen member", voucher(town, CID)
    yield "of account 4", voucher(town, AccountId(4), by=key("ana"))
    yield "that has expired", voucher(town, expires=NOW_S)
    yield "of a member that has expired, with uses", voucher(town, ANA, uses=1, expires=NOW_S)
    yield "signed by nobody", replace(good, signatures=())
    yield "signed by a stranger", voucher(town, by=key("eve"))
    yield "with more uses than were signed", replace(good, uses=1)
    yield "with another key than was signed", replace(good, key=key("eve").public)


def _requests(town: Town) -> Iterable[tuple[str, Request]]:
    good = request(town, voucher(town), "carl")
    one_time = SecretKey.from_seed(SEED).public

    def signed(*names: str, **changed: Any) -> Request:
        return signed_request(town, replace(good, **changed), SEED, *(names or ("carl",)))

    yield "on a steward's invite", good
    yield "on a member's invite", request(town, voucher(town, ANA), "carl")
    yield "with 2 of 3 keys", signed("carl", "cy", authority=authority("carl", "cy", "cleo", threshold=2))
    yield "without words", signed(greeting="")
    yield "on a suspended member's invite", request(town, voucher(town, BEN), "carl")
    yield "on an expired invite", request(town, voucher(town, expires=NOW_S), "carl")
    yield "that has expired", signed(expires=NOW_S)
    yield "with an altered voucher", signed(voucher=replace(good.voucher, limit=1))
    yield "as Carl", signed(handle="Carl")
    yield "as commons", signed(handle="commons")
    yield "as a member", signed(handle="ana")
    yield "with two lines of greeting", signed(greeting="one\ntwo")
    yield "signed by another account", signed("eve")
    yield "not signed by its account", replace(good, by_account=())
    yield "signed by another invite's key", signed_request(town, good, bytes(32), "carl")
    yield "with half of its keys", signed("carl", authority=authority("carl", "cy", threshold=1))
    yield "with the invite's key as its own", replace(
        (own := signed(authority=replace(authority("carl"), keys=(one_time,)))), by_account=((0, own.by_invite),)
    )  # fmt: skip
    yield "with another greeting than was signed", replace(good, greeting="I do not bake")


def _doorstep(town: Town) -> Iterable[tuple[str, bytes, bool]]:
    """(name, bytes of a frame's content, whether it can be read)."""
    proof = sign(SecretKey.from_seed(SEED), Tag.KNOCK, town.community, knock_content(peer("node"), peer("carl")))
    founding = Bundle((town.founding,))
    where = (f"{ADDRESS}/p2p/{peer('node')}",)
    asked = request(town, voucher(town), "carl")
    for knock in (
        ShowRecords(town.community, (card(town, ANA),)),
        ReadCommons(town.community, voucher(town), proof, 0),
        LeaveRequest(town.community, asked, proof),
        AskAcceptance(town.founding.body, proof),
        BeFounded(founding, (card(town, COMMONS),), where, proof),
    ):
        yield type(knock).__name__, encode_knock(knock), True
    for reply in (Welcome(), Turned("handle_taken"), CommonsPage(founding, 0), Acceptance(proof)):
        yield type(reply).__name__, encode_reply(reply), True
    yield "a question of tag 6", codec.encode((6,)), False
    yield "nine records", encode_knock(ShowRecords(town.community, (card(town, ANA),) * 9)), False
    yield "a proof of 63 bytes", encode_knock(
        ReadCommons(town.community, voucher(town), Signature(proof[:63]), 0)
    ), False  # fmt: skip
    yield "a request cut short", codec.encode((3, town.community, asked.plain()[:7], proof)), False
    yield "a peer without its id", encode_knock(BeFounded(founding, (), (ADDRESS,), proof)), False
    yield "a question above 16 KiB", codec.encode((4, bytes(4096), proof, bytes(16_384))), False
    yield "a code in capitals", encode_reply(Turned("Expired")), False


def papers() -> dict[str, Any]:
    """All of papers.json."""
    town = _town()
    ledger = Ledger()
    accept(ledger, town.founding)
    peers = {"node": peer("node"), "carl": peer("carl"), "host": peer_text(host_card().transport_key)}
    return {
        "community": {"id": town.community.hex(), "founding": town.founding.encode().hex(), "now": NOW_S},
        "peers": [{"rule": "R21.3", "key": key(name).public.hex(), "peer": text} for name, text in peers.items()],
        "texts": [
            {"name": name, "rule": rule, "text": text, "bytes": content_of(text)}
            for name, rule, text in _texts(town)
        ],
        "records": [
            {"name": name, "rule": rule, "bytes": codec.encode(signed.plain()).hex(), "id": signed.id.hex(),
             "taken": record_fault(ledger, signed, NOW_S) is None}
            for name, rule, signed in _records(town)
        ],
        "vouchers": [
            {"name": name, "rule": "R21.5", "bytes": codec.encode(one.plain()).hex(),
             "code": None if (fault := voucher_fault(ledger, one, NOW_S)) is None else fault.code}
            for name, one in _vouchers(town)
        ],
        "requests": [
            {"name": name, "rule": "R21.5", "bytes": codec.encode(one.plain()).hex(), "id": one.id.hex(),
             "code": request_fault(ledger, one, NOW_S)}
            for name, one in _requests(town)
        ],
        "doorstep": [
            {"name": name, "rule": "R22.2", "bytes": raw.hex(), "right": right} for name, raw, right in _doorstep(town)
        ],
    }  # fmt: skip
