"""The worked examples of protocol/README.md, part F: computed here, so that the spec never shows a wrong byte.

`python -m tests.vectors.examples` prints the section as it stands in the spec.
"""

from collections.abc import Iterator

from protocol import codec
from protocol.base import COMMONS, NO_COMMUNITY, AccountId, Amount, CommunityId, EntryId
from protocol.derivation import account_key, wallet_branch, words_to_seed
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Admit, Charter, Found, Open, PublicNote, Recv, Send
from protocol.payment import PaymentId, community_text
from protocol.signing import Authority, SecretKey, Tag, sign
from protocol.statements import Certificate, Place, Vote, gather

STEWARD, WITNESS, ANA, ANA_NEXT, BEN, BEN_NEXT = (SecretKey.from_seed(bytes([number]) * 32) for number in range(1, 7))
WORDS = " ".join(["abandon"] * 23 + ["art"])
WIDTH = 112


def _authority(*keys: SecretKey) -> Authority:
    return Authority(len(keys), tuple(key.public for key in keys))


def founding() -> SignedEntry:
    """A community of one steward, one witness and two members."""
    first = Found("Oak Street", "hours", 2, Charter(1, 1, 0, 0, 0), _authority(STEWARD), 1, (WITNESS.public,))
    admits = (
        Admit(AccountId(1), "ana", _authority(ANA), 10_000),
        Admit(AccountId(2), "ben", _authority(BEN), 10_000),
    )
    entry = Entry(1, COMMONS, 0, 0, bytes(32), 0, 1_750_000_000, (first, *admits))
    keys = enumerate((STEWARD, WITNESS))
    return sealed(entry, tuple((i, sign(key, Tag.ENTRY, NO_COMMUNITY, entry.encode())) for i, key in keys))


def _member_entry(community: CommunityId, key: SecretKey, entry: Entry) -> SignedEntry:
    return sealed(entry, ((0, sign(key, Tag.ENTRY, community, entry.encode())),))


def _certificate(community: CommunityId, signed: SignedEntry, number: int) -> Certificate:
    place = Place(0, signed.account, 0, signed.seq, signed.id)
    return gather([Vote(Tag.VOTE, place, 0, number, sign(WITNESS, Tag.VOTE, community, place.content(number)))])


def story() -> tuple[list[SignedEntry], list[Certificate], bytes]:
    """Ana opens and pays Ben, Ben opens and takes it in: the entries, their certificates, the closing state root."""
    first = founding()
    community = CommunityId(first.id)
    ana = _member_entry(community, ANA, Entry(
        1, AccountId(1), 0, 0, community, 0, 1_750_000_060,
        (Open(_authority(ANA), _authority(ANA_NEXT).hash()), Send(AccountId(2), Amount(250), PublicNote("bread"))),
    ))  # fmt: skip
    ben = _member_entry(community, BEN, Entry(
        1, AccountId(2), 0, 0, community, 0, 1_750_000_120,
        (Open(_authority(BEN), _authority(BEN_NEXT).hash()), Recv(AccountId(1), 0, 0, 250)),
    ))  # fmt: skip
    certificates = [_certificate(community, signed, number) for number, signed in enumerate((ana, ben))]
    ledger = Ledger()
    ledger.apply(_valid(ledger, first))
    for signed, certificate in zip((ana, ben), certificates, strict=True):
        ledger.apply(_valid(ledger, signed))
        ledger.certify(certificate)
    return [first, ana, ben], certificates, ledger.state_root()


def _valid(ledger: Ledger, signed: SignedEntry) -> Effects:
    effects = ledger.judge(signed)
    assert isinstance(effects, Effects), effects
    return effects


def examples() -> Iterator[tuple[str, str]]:
    """(what it is, the text or hex of it), in the order of the spec."""
    (first, ana, ben), certificates, root = story()
    yield "the integer 1000, encoded", codec.encode(1000).hex()
    yield '[1, "a", bytes 00 ff], encoded', codec.encode((1, "a", b"\0\xff")).hex()
    yield "public key of the seed 01 x 32, the steward", STEWARD.public.hex()
    yield "public key of the seed 02 x 32, the witness", WITNESS.public.hex()
    yield "public key of the seed 03 x 32, ana", ANA.public.hex()
    yield "hash of the authority [1, [key of the seed 04 x 32]], ana's next", _authority(ANA_NEXT).hash().hex()
    yield "body of the founding entry", first.body.hex()
    yield "its id, the community", first.id.hex()
    yield "the community as text", community_text(CommunityId(first.id))
    yield "signed form of the founding entry", first.encode().hex()
    yield "body of ana's first entry: open, and send 2.50 to ben with the note bread", ana.body.hex()
    yield "its id", ana.id.hex()
    yield "what ana signs", (Tag.ENTRY.value + first.id + ana.body).hex()
    yield "her signature", ana.signatures[0][1].hex()
    yield "signed form of her entry", ana.encode().hex()
    yield "her payment as text", str(PaymentId(EntryId(ana.id), 1))
    yield (
        "what the witness signs with its vote, number 0",
        (Tag.VOTE.value + first.id + certificates[0].place.content(0)).hex(),
    )
    yield "the certificate of her entry", certificates[0].encode().hex()
    yield "signed form of ben's first entry: open, and recv of 2.50", ben.encode().hex()
    yield "the certificate of his entry, vote number 1", certificates[1].encode().hex()
    yield "state root when both are final", root.hex()
    seed = words_to_seed(WORDS)
    yield "seed of the words: abandon, 23 times, art", seed.hex()
    for ordinal, generation in ((0, 0), (0, 1), (1, 0)):
        public = account_key(wallet_branch(seed), ordinal, generation).public.hex()
        yield f"public key at m/74'/1'/{ordinal}'/0'/{generation}'", public


def section() -> str:
    """Part F of the spec."""
    parts = []
    for name, shown in examples():
        lines = [shown[at : at + WIDTH] for at in range(0, len(shown), WIDTH)]
        parts.append(f"{name[0].upper()}{name[1:]}:\n\n```\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(section())
