"""The state root: one hash over all that is final, the same at every node whatever order things came in.

A leaf for each account with a final entry, ascending by number (PROTOCOL-RULES 13): what its own chain says up to its
final place. Leaf 0 also holds the whole state of account 0 at its newest height. Uncertified tails count nothing, and
no signature or certificate is covered. Leaves are kept until something of theirs becomes final.
"""

from . import codec
from .base import COMMONS, HASH_BYTES, AccountId, digest
from .chain import Chain
from .commons import Commons
from .pairs import Pair
from .state import State


def signed_plain(value: int) -> codec.Plain:
    """A number that may be negative, as plain values have no sign: [0, value] or [1, -value]."""
    return (1, -value) if value < 0 else (0, value)


def tree_root(leaves: list[bytes]) -> bytes:
    """Join hashes pairwise, level by level, an odd last one going up as it is; 32 zero bytes for none."""
    if not leaves:
        return bytes(HASH_BYTES)
    while len(leaves) > 1:
        joined = [digest(b"tally node", left + right) for left, right in zip(leaves[::2], leaves[1::2], strict=False)]
        leaves = joined + leaves[len(joined) * 2 :]
    return leaves[0]


class Leaves:
    """The hashes of all leaves, made again only where something changed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._hashes: dict[AccountId, bytes] = {}
        self._stale: set[AccountId] = set()

    def touch(self, account: AccountId) -> None:
        """Something final of this account changed."""
        self._stale.add(account)

    def root(self) -> bytes:
        """The state root, 32 bytes."""
        for account in self._stale:
            chain = self._state.chains.get(account)
            if chain is not None and chain.final_seq >= 0:
                self._hashes[account] = digest(b"tally leaf", codec.encode(leaf(self._state, chain)))
        self._stale.clear()
        return tree_root([self._hashes[account] for account in sorted(self._hashes)])


def leaf(state: State, chain: Chain) -> codec.Plain:
    """What is hashed for one account, as plain values."""
    account, seq = chain.account, chain.final_seq
    return (
        account,
        chain.incarnation,
        seq,
        chain.id_at(seq),
        chain.final_height,
        *chain.authority.plain(),
        chain.next_hash,
        signed_plain(chain.final_own),
        chain.final_levy_due,
        _sent(state, chain),
        _taken(state, chain),
        commons_plain(state.commons) if account == COMMONS else (),
    )


def _sent(state: State, chain: Chain) -> codec.Plain:
    """By payee: [payee, incarnation, gross, last seq, [[seq, amount, kind] of what is not taken yet]]."""
    rows = []
    for pair in state.pairs.outgoing(chain.account):
        gross = pair.gross - sum(parcel.amount for parcel in pair.parcels.values() if parcel.seq > chain.final_seq)
        if gross == 0:
            continue
        # What a final watermark has passed is gone from the pair, and a watermark always stands at a parcel.
        parcels = tuple(tuple(parcel) for parcel in pair.until(chain.final_seq))
        last = parcels[-1][0] if parcels else pair.taken_at(state.final_end(pair.payee)).upto
        rows.append((pair.payee, pair.incarnation, gross, last, parcels))
    return tuple(sorted(rows))


def _taken(state: State, chain: Chain) -> codec.Plain:
    """By payer: [payer, incarnation, [upto, total] or [], [[seq, amount] of what was bounced above upto]]."""
    rows = []
    for pair in state.pairs.incoming(chain.account):
        mark = pair.taken_at(chain.final_seq)
        bounced = _bounced(pair, chain.final_seq)
        if mark.upto >= 0 or bounced:
            taken = (mark.upto, mark.total) if mark.upto >= 0 else ()
            rows.append((pair.payer, pair.incarnation, taken, bounced))
    return tuple(sorted(rows))


def _bounced(pair: Pair, final_seq: int) -> codec.Plain:
    return tuple(sorted((seq, bounced.amount) for seq, bounced in pair.bounced.items() if bounced.at <= final_seq))


def commons_plain(commons: Commons) -> codec.Plain:
    """The whole state of account 0 at its newest height; members ascending by number."""
    return (
        commons.name,
        commons.unit,
        commons.decimals,
        commons.charter().plain(),
        commons.epoch,
        commons.quorum,
        commons.witnesses,
        signed_plain(commons.adjust(COMMONS)),
        tuple(
            (member.number, member.handle, *member.authority.plain(), member.limit.newest, member.level.newest,
             signed_plain(member.adjust.newest))
            for _, member in sorted(commons.members.items())
        ),
    )  # fmt: skip
