"""What a community agreed on, in words: who decides, what holds for everybody, and what its witnesses tolerate. Pure.

The tolerance is that of protocol/README.md R7: of n witnesses, q of whom decide, 2q - n - 1 may lie and n - q be away.
"""

from protocol.commons import Commons

from .words import Wording

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(count: int) -> str:
    """A small number in a word."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


def tolerance(witnesses: int, quorum: int) -> str:
    """What the witnesses tolerate, in one sentence."""
    liars, absent = 2 * quorum - witnesses - 1, witnesses - quorum
    if witnesses == 1:
        return "there is one witness: it must be honest, and nothing becomes final while it is away"
    if liars:
        verb = "lies" if liars == 1 else "lie"
        safe = f"safe if {number(liars)} of the {number(witnesses)} {verb}"
    else:
        safe = f"safe only if all {number(witnesses)} are honest"
    verb = "is" if absent == 1 else "are"
    works = f"works if {number(absent)} {verb} away" if absent else "stands still while any of them is away"
    return f"{safe}, {works}"


def community_lines(commons: Commons) -> list[str]:
    """The whole charter, a line each."""
    stewards, members = commons.stewards(), len(commons.members)
    count = len(stewards.keys)
    return [
        f"{commons.name}: {members} {'member' if members == 1 else 'members'}, amounts in {commons.unit}",
        *Wording(commons).charter(commons.charter()),
        "one steward decides" if count == 1 else f"{stewards.threshold} of {count} stewards decide together",
        f"witnesses: {tolerance(len(commons.witnesses), commons.quorum)}",
        *_advice(count, stewards.threshold, len(commons.witnesses), commons.quorum),
    ]


def _advice(stewards: int, threshold: int, witnesses: int, quorum: int) -> list[str]:
    found = []
    if 1 < stewards and threshold == stewards:
        found.append("if one steward loses its keys, nothing can be decided any more: better name one more")
    if 2 * threshold <= stewards:
        found.append("two groups of stewards may each decide something: better have more than half sign")
    if witnesses > 1 and 2 * quorum - witnesses - 1 == 0:
        found.append(f"with {witnesses + 1} witnesses one of them could lie")
    return found
