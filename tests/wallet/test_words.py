"""Recovery words: 24 of the BIP-39 list, and no slip of the pen goes unseen but one in 256."""

import pytest

from protocol.derivation import words_to_seed
from wallet.accounts import Keyring
from wallet.errors import BadWords
from wallet.words import from_words, new_entropy, seed_of, to_words

ZEROS = ["abandon"] * 23 + ["art"]


def test_the_words_are_those_of_the_published_list() -> None:
    assert to_words(bytes(32)) == ZEROS and from_words(" ".join(ZEROS)) == bytes(32)
    assert seed_of(bytes(32)) == words_to_seed(" ".join(ZEROS))


def test_any_entropy_comes_back_however_the_words_are_spaced() -> None:
    entropy = new_entropy()
    assert from_words("  \n ".join(word.upper() for word in to_words(entropy))) == entropy
    assert new_entropy() != entropy


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("abandon " * 12, {"given": 12}),
        ("", {"given": 0}),
        (" ".join(["abandon"] * 24), {}),
        (" ".join(["abandonn"] + ZEROS[1:3] + ["zzz"] + ZEROS[4:]), {"places": "1, 4"}),
        (" ".join(ZEROS[:22] + ["art", "abandon"]), {}),
    ],
)
def test_wrong_words_are_refused_by_place_and_never_repeated(sentence: str, facts: dict[str, object]) -> None:
    with pytest.raises(BadWords) as caught:
        from_words(sentence)
    assert caught.value.facts == facts and "zzz" not in str(caught.value)


def test_the_same_words_make_the_same_accounts() -> None:
    entropy = new_entropy()
    one, other = Keyring(entropy), Keyring(from_words(" ".join(to_words(entropy))))
    assert one.opening(3) == other.opening(3) and one.steward_key(0) == other.steward_key(0)
    assert one.opening(3).next_hash == one.authority(3, 1).hash() != one.authority(3).hash()
    assert entropy.hex() not in repr(one)
