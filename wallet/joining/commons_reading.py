"""Reading account 0 from somebody who may lie: every entry is judged here before anything is believed.

The community's id is the founding entry's, so nobody can show another founding; what follows is certified by the
witnesses that it names; and the invite's anchor says what stood at one recent height. A reading belongs to one server,
so that a liar spoils his own alone. Pure: it is given pages and keeps what is true.
"""

from node.rebuilding import JournalContradicts, fold
from node.records import CertificateRecord, EntryRecord, Record
from protocol.base import COMMONS, CommunityId, EntryId
from protocol.bundles import Bundle
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.statements import Certificate
from protocol.verdict import Accepted


class Untrue(Exception):
    """What a server shows cannot be so; the words say what, for a person."""


class Reading:
    """What one server has shown of account 0, as far as it is proven. Heights are seqs of account 0."""

    def __init__(self, community: CommunityId, anchor_height: int, anchor: EntryId) -> None:
        self.community = community
        self.ledger = Ledger()
        self.records: list[Record] = []
        """All of it, as a journal takes it."""
        self._anchor_height, self._anchor = anchor_height, anchor

    @property
    def height(self) -> int:
        """The newest proven height; -1 before the founding entry."""
        return self.ledger.commons.height

    @property
    def holds_anchor(self) -> bool:
        """Tell whether it reaches to where the invite was made. Below that, it is too old to be judged by."""
        return self.height >= self._anchor_height

    def take(self, page: Bundle, height: int) -> bool:
        """Take in a page of a server that says it is at `height`; tell whether there is more to ask for.

        Raises Untrue at the first thing that cannot be so; what was proven before it stays.
        """
        before = self.height
        certificates = {certificate.place.seq: certificate for certificate in page.certificates}
        for signed in page.entries:
            self._enter(signed, certificates.get(signed.seq))
        if self.height == before < height:
            raise Untrue(f"it says that account 0 has {height + 1} entries and shows {before + 1} only")
        return self.height < height

    def _enter(self, signed: SignedEntry, certificate: Certificate | None) -> None:
        if signed.account != COMMONS:
            raise Untrue("it shows entries of another account")
        held = self.ledger.id_at(COMMONS, 0, signed.seq)
        if held == signed.id:
            return
        if held is not None or signed.seq != self.height + 1:
            raise Untrue(f"its entry {signed.seq} of account 0 does not follow on the one before")
        self._require_known(signed)
        self._fold(signed, None if signed.seq == 0 else self._proof(signed, certificate))

    def _require_known(self, signed: SignedEntry) -> None:
        if signed.seq == 0 and CommunityId(signed.id) != self.community:
            raise Untrue("it belongs to another community")
        if signed.seq == self._anchor_height and signed.id != self._anchor:
            raise Untrue(f"its account 0 is not the one of the invite: entry {signed.seq} is another one")

    def _proof(self, signed: SignedEntry, certificate: Certificate | None) -> Certificate:
        if certificate is None or certificate.place.id != signed.id:
            raise Untrue(f"its entry {signed.seq} of account 0 comes without its certificate")
        if not isinstance(self.ledger.judge_certificate(certificate), Accepted):
            raise Untrue(f"the certificate of its entry {signed.seq} of account 0 is not by this community's witnesses")
        return certificate

    def _fold(self, signed: SignedEntry, certificate: Certificate | None) -> None:
        records: list[Record] = [EntryRecord(signed)]
        records += [] if certificate is None else [CertificateRecord(certificate)]
        try:
            fold(self.ledger, ((signed.seq, record) for record in records))
        except JournalContradicts as error:
            raise Untrue(f"its entry {signed.seq} of account 0 breaks the rules ({error})") from None
        self.records += records
