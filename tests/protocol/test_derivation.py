"""Keys from words agree with the published facts of BIP-39 and SLIP-0010, and with nothing but the words."""

import time

import pytest

from protocol.derivation import Role, account_key, master, wallet_branch, words_to_seed
from protocol.signing import SecretKey

ABANDON = "abandon " * 11 + "about"
SLIP10 = [
    # path, secret, public key: SLIP-0010, test vector 1 for ed25519
    ((), "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
     "a4b2856bfec510abab89753fac1ac0e1112364e7d250545963f135f2a33188ed"),
    ((0,), "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
     "8c8a13df77a28f3445213a0f432fde644acaa215fc72dcdf300d5efaa85d350c"),
    ((0, 1, 2, 2, 1_000_000_000), "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
     "3c24da049451555d51a7014a37337aa4e12d41e485abccfa46b47dfb2af54b7a"),
]  # fmt: skip


def test_the_seed_of_a_sentence_is_the_published_one() -> None:
    assert words_to_seed(ABANDON).hex().startswith("5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1")


@pytest.mark.parametrize(("path", "secret", "public"), SLIP10)
def test_a_path_gives_the_published_keys(path: tuple[int, ...], secret: str, public: str) -> None:
    branch = master(bytes(range(16)))
    for step in path:
        branch = branch.child(step)
    assert branch.secret.hex() == secret
    assert branch.key().public.hex() == public


def test_an_account_key_is_at_the_path_that_the_spec_fixes() -> None:
    seed = words_to_seed(ABANDON)
    expected = master(seed)
    for step in (74, 1, 5, 1, 2):
        expected = expected.child(step)
    assert account_key(wallet_branch(seed), 5, 2, Role.STEWARD) == expected.key()


def test_no_two_accounts_roles_or_generations_share_a_key() -> None:
    branch = wallet_branch(words_to_seed(ABANDON))
    keys = {account_key(branch, n, g, role).public for n in range(5) for g in range(2) for role in Role}
    assert len(keys) == 5 * 2 * len(Role)


def test_a_step_outside_the_hardened_range_is_refused() -> None:
    for step in (-1, 2**31):
        with pytest.raises(ValueError, match="step"):
            master(bytes(64)).child(step)


def test_secrets_are_in_no_repr() -> None:
    branch = master(bytes(64))
    assert branch.secret.hex() not in repr(branch) and str(branch.secret) not in repr(branch)
    assert isinstance(branch.key(), SecretKey) and branch.secret.hex() not in repr(branch.key())


def test_a_thousand_keys_are_quick() -> None:
    branch = wallet_branch(words_to_seed(ABANDON))
    start = time.process_time()
    for ordinal in range(1000):
        account_key(branch, ordinal)
    assert time.process_time() - start < 0.3, "tens of microseconds a key on any machine; 100 are promised"
