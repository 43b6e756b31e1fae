"""What the example of a bot says: never more than a memo holds, and never what was told to one person alone."""

import pytest

from protocol.base import NOTE_BYTES_MAX
from wallet.examples.thanks import MEMO_BYTES_MAX, words_for
from wallet.scripting.answers import Event


@pytest.mark.parametrize(
    ("memo", "sealed", "words"),
    [
        ("bread", False, "Thank you for bread"),
        (None, False, "Thank you"),
        ("a secret", True, "Thank you"),
        ("x" * 242, False, "Thank you for " + "x" * 242),
        ("x" * 243, False, "Thank you"),
        ("\N{BREAD}" * 64, False, "Thank you"),
    ],
)
def test_thanks_name_the_memo_where_everybody_may_read_it_and_it_has_room(
    memo: str | None, sealed: bool, words: str
) -> None:
    assert words_for(Event("1.0", "payment", "ana", 1, memo=memo, sealed=sealed)) == words
    assert len(words.encode()) <= MEMO_BYTES_MAX == NOTE_BYTES_MAX
