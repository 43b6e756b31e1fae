"""Acts of the community as a steward's wallet makes them: from what is wanted to the entry for the open place.

What is wanted (its *ops*) is kept without the numbers of newcomers: those follow from the place, so an act that was
overtaken is composed anew with others. Two entries with the same ops want the same, whoever composed them.
Pure: may not sign, keep or send; refusals are the rules' own, told before anything is signed.
"""

from collections.abc import Sequence
from dataclasses import replace

from protocol import codec
from protocol.base import COMMONS, ENTRY_BYTES_MAX, ENTRY_VERSION, AccountId, Malformed
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Admit, Op, read_op
from protocol.verdict import Refused

from .. import errors

_NO_NUMBER = AccountId(0)
_NEXT = "Nothing was signed. See `tally members` and `tally community`."


def wanted(ops: Sequence[Op]) -> bytes:
    """What these ops want, encoded; the same for every place."""
    plain = [replace(op, number=_NO_NUMBER) if isinstance(op, Admit) else op for op in ops]
    return codec.encode(tuple([op.plain() for op in plain]))


def read_wanted(raw: bytes) -> tuple[Op, ...]:
    """The ops that `wanted` wrote; newcomers have the number 0."""
    return tuple([read_op(op) for op in codec.items(codec.decode(raw, ENTRY_BYTES_MAX))])


def numbered(ledger: Ledger, ops: Sequence[Op]) -> tuple[Op, ...]:
    """Give newcomers the next free numbers."""
    number = len(ledger.commons.members)
    found: list[Op] = []
    for op in ops:
        if isinstance(op, Admit):
            number += 1
            op = replace(op, number=AccountId(number))
        found.append(op)
    return tuple(found)


def feasible(ledger: Ledger, raw: bytes) -> bytes:
    """What is left to want: of several newcomers, those whose handle was not taken meanwhile."""
    ops = read_wanted(raw)
    if len(ops) < 2 or not all(isinstance(op, Admit) for op in ops):
        return raw
    free = [op for op in ops if isinstance(op, Admit) and op.handle not in ledger.commons.by_handle]
    return wanted(free or ops[:1])


def composed(ledger: Ledger, raw: bytes, time: int) -> SignedEntry:
    """The entry for the next place of account 0, without ballots. Raises BadRequest, and the refusal of the rules."""
    chain = ledger.chain(COMMONS)
    assert chain is not None, "a wallet belongs to a founded community"
    seq = chain.seq + 1
    try:
        ops = numbered(ledger, read_wanted(raw))
    except Malformed as error:
        raise errors.BadRequest(f"Such an act cannot be written: {error}.") from None
    act = sealed(Entry(ENTRY_VERSION, COMMONS, 0, seq, chain.id, seq - 1, time, ops), ())
    verdict = ledger.judge_act(act)
    if isinstance(verdict, Effects):
        return act
    if isinstance(verdict, Refused):
        kind = errors.BY_RULE.get(verdict.code, errors.Refused)
        raise kind(f"The rules refuse this act: {verdict.facts}.", {"rule": verdict.code.word}, _NEXT)
    raise errors.Busy("What this act refers to is not final yet; nothing was signed.")
