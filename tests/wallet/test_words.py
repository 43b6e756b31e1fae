"""Recovery words: the 24 of BIP-39 that stand for a wallet's entropy, and from which all its keys follow."""

from mnemonic import Mnemonic

from protocol.derivation import words_to_seed
from wallet.accounts import Keyring
from wallet.words import WORDS, new_entropy, seed_of, to_words

ZEROS = ["abandon"] * 23 + ["art"]


def test_the_words_are_those_of_the_published_list() -> None:
    assert to_words(bytes(32)) == ZEROS
    assert seed_of(bytes(32)) == words_to_seed(" ".join(ZEROS))


def test_the_words_of_any_entropy_are_different_and_hold_all_of_it() -> None:
    entropy = new_entropy()
    assert len(to_words(entropy)) == WORDS and new_entropy() != entropy
    assert Mnemonic("english").to_entropy(to_words(entropy)) == entropy


def test_the_same_words_make_the_same_accounts() -> None:
    entropy = new_entropy()
    one, other = Keyring(entropy), Keyring(bytes(Mnemonic("english").to_entropy(to_words(entropy))))
    assert one.opening(3) == other.opening(3) and one.steward_key(0) == other.steward_key(0)
    assert one.opening(3).next_hash == one.authority(3, 1).hash() != one.authority(3).hash()
    assert entropy.hex() not in repr(one)
