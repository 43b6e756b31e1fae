"""The keys of an unlocked wallet, made when they are first needed.

One wallet may hold thousands of accounts; a key costs some tens of microseconds and is kept until the wallet is locked.
May not read files. Python cannot promise to wipe memory: locking drops the keys, it does not erase them.
"""

from protocol.derivation import Branch, Role, account_key, wallet_branch
from protocol.ops import Open
from protocol.signing import Authority, SecretKey

from .words import seed_of


class Keyring:
    """The keys that follow from one set of recovery words."""

    def __init__(self, entropy: bytes) -> None:
        self._branch: Branch = wallet_branch(seed_of(entropy))
        self._signing: dict[int, SecretKey] = {}
        self._steward: dict[int, SecretKey] = {}

    def signing_key(self, ordinal: int) -> SecretKey:
        """The key that signs the entries of the wallet's account number `ordinal`."""
        key = self._signing.get(ordinal)
        if key is None:
            key = self._signing[ordinal] = account_key(self._branch, ordinal)
        return key

    def authority(self, ordinal: int, generation: int = 0) -> Authority:
        """The authority of one key that an account is admitted with."""
        key = self.signing_key(ordinal) if generation == 0 else account_key(self._branch, ordinal, generation)
        return Authority(1, (key.public,))

    def opening(self, ordinal: int) -> Open:
        """The op that claims the account, announcing the next key."""
        return Open(self.authority(ordinal), self.authority(ordinal, 1).hash())

    def steward_key(self, ordinal: int) -> SecretKey:
        """The key by which the owner of that account acts as a steward."""
        key = self._steward.get(ordinal)
        if key is None:
            key = self._steward[ordinal] = account_key(self._branch, ordinal, role=Role.STEWARD)
        return key

    def __repr__(self) -> str:
        return "Keyring(...)"
