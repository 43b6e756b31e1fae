"""Signs records: a member's own words, its node's card, what it says as a steward.

The counter is the clock's seconds, or one above what stands in the slot when the clock is behind that: so a record of a
wallet that forgot what it published still wins. May not publish; that is the node's.
"""

from protocol.base import NUMBER_MAX, AccountId, CommunityId
from protocol.record import Kind, Record, SignedRecord
from protocol.signing import SecretKey, Tag, sign


def signed_record(
    key: SecretKey,
    community: CommunityId,
    author: AccountId,
    kind: Kind,
    slot_key: bytes,
    body: bytes,
    *,
    held: SignedRecord | None,
    now_s: int,
    index: int = 0,
) -> SignedRecord:
    """A record for the slot (author, kind, `slot_key`) that beats `held`, which fills it now.

    Of two with the highest counter there is, the id decides.
    An empty `body` withdraws. `index` is the place of the key in the authority that signs; the stewards' for account 0.
    """
    counter = now_s if held is None else min(max(held.record.counter + 1, now_s), NUMBER_MAX)
    record = Record(author, kind, slot_key, counter, body)
    return SignedRecord(record, ((index, sign(key, Tag.RECORD, community, record.content())),))
