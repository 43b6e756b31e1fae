"""The keystore: the wallet's entropy, encrypted in one file. The only module that touches members' key files.

The file is two lines: a JSON header that says how it is locked, and the box in hexadecimal. The box is
XChaCha20-Poly1305 with the header's exact bytes as associated data; its key is Argon2id of the passphrase or, when the
member chose to have none, 32 random bytes in a file beside it, and then whoever can read the home can pay. Parameters
are checked before any memory is taken.
May not derive accounts or sign; knows of the content only that it is 32 bytes and a count.
"""

import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_pwhash_alg,
    crypto_pwhash_ALG_ARGON2ID13,
)
from nacl.exceptions import CryptoError
from nacl.utils import random as random_bytes

from .errors import HomeRefused, KeystoreRefused, WrongPassphrase
from .home import Home, read_private, write_private
from .words import ENTROPY_BYTES

FORMAT = "tallystick keystore 1"
FILE_BYTES_MAX = 4096
_KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 24
_COUNT_BYTES = 4
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess at the passphrase costs: memory in KiB and passes of Argon2id."""

    memory_kib: int
    passes: int

    def fault(self) -> str | None:
        """Say why no keystore should have this cost, or None: too cheap to guard, or dear enough to stall a machine."""
        if self.memory_kib < FLOOR.memory_kib or self.passes < FLOOR.passes:
            return f"its passphrase is guarded too weakly ({self.memory_kib} KiB, {self.passes} passes)"
        if self.memory_kib > DEAREST.memory_kib or self.passes > DEAREST.passes:
            return f"it asks for an absurd amount of work ({self.memory_kib} KiB, {self.passes} passes)"
        return None


FLOOR = Cost(64 * _KIB, 3)
USUAL = Cost(256 * _KIB, 3)
DEAREST = Cost(1024 * _KIB, 10)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a keystore guards."""

    entropy: bytes = field(repr=False)
    """32 bytes: the recovery words."""
    accounts: int
    """How many accounts were made from them; their ordinals are 0 .. accounts - 1."""


def save(home: Home, secrets: Secrets, passphrase: str | None, cost: Cost = USUAL) -> None:
    """Write the keystore of a home, replacing one that is there; all or nothing.

    With None as passphrase the key is random and stored beside it. Raises KeystoreRefused on a cost out of bounds.
    """
    salt, nonce = random_bytes(_SALT_BYTES), random_bytes(_NONCE_BYTES)
    header: dict[str, str | int] = {"format": FORMAT, "nonce": nonce.hex()}
    if passphrase is None:
        key = _key_beside(home)
        header["lock"] = "none: the key lies in the file keystore.key beside this one"
    else:
        key = _stretch(passphrase, salt, cost)
        header |= {"lock": "argon2id", "memory_kib": cost.memory_kib, "passes": cost.passes, "salt": salt.hex()}
    line = json.dumps(header, sort_keys=True).encode()
    content = secrets.entropy + secrets.accounts.to_bytes(_COUNT_BYTES, "big")
    box = crypto_aead_xchacha20poly1305_ietf_encrypt(content, line, nonce, key)
    write_private(home.keystore, line + b"\n" + box.hex().encode() + b"\n")
    if passphrase is not None:
        home.keystore_key.unlink(missing_ok=True)


def load(home: Home, passphrase: str | None) -> Secrets:
    """Open the keystore of a home. Takes half a second and 256 MiB with the usual cost: call it in a thread.

    Raises KeystoreRefused when the file cannot be trusted, WrongPassphrase when it does not open.
    """
    line, box = _read(home.keystore)
    header = _header(line)
    key = _key(home, header, passphrase)
    try:
        content = crypto_aead_xchacha20poly1305_ietf_decrypt(box, line, bytes.fromhex(str(header["nonce"])), key)
    except CryptoError:
        raise WrongPassphrase("That does not open the keystore: wrong passphrase, or the file was changed.") from None
    return Secrets(content[:ENTROPY_BYTES], int.from_bytes(content[ENTROPY_BYTES:], "big"))


def needs_passphrase(home: Home) -> bool:
    """Tell whether the keystore of a home is locked by a passphrase. Raises KeystoreRefused."""
    return _header(_read(home.keystore)[0])["lock"] == "argon2id"


def _stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """Argon2id of a passphrase, first normalised so that every keyboard writes the same bytes (as in EIP-2335)."""
    if fault := cost.fault():
        raise KeystoreRefused(f"The keystore is refused: {fault}.")
    if not passphrase:
        raise WrongPassphrase("An empty passphrase guards nothing.", next="Type a passphrase.")
    typed = unicodedata.normalize("NFKD", passphrase)
    plain = "".join(letter for letter in typed if unicodedata.category(letter) != "Cc").encode()
    memory = cost.memory_kib * _KIB
    return crypto_pwhash_alg(_KEY_BYTES, plain, salt, cost.passes, memory, crypto_pwhash_ALG_ARGON2ID13)


def _key(home: Home, header: dict[str, str | int], passphrase: str | None) -> bytes:
    if header["lock"] != "argon2id":
        return _read_key(home)
    if passphrase is None:
        raise WrongPassphrase("The keystore is locked by a passphrase.", next="Give the passphrase.")
    cost = Cost(int(header["memory_kib"]), int(header["passes"]))
    return _stretch(passphrase, bytes.fromhex(str(header["salt"])), cost)


def _key_beside(home: Home) -> bytes:
    """The key of a keystore without passphrase; made once, so that a crash between two files loses nothing."""
    if not home.keystore_key.exists():
        write_private(home.keystore_key, random_bytes(_KEY_BYTES).hex().encode() + b"\n")
    return _read_key(home)


def _read_key(home: Home) -> bytes:
    return _hexadecimal(_read_trusted(home.keystore_key).decode("ascii", "replace").strip(), _KEY_BYTES)


def _read_trusted(place: Path) -> bytes:
    try:
        return read_private(place, FILE_BYTES_MAX)
    except HomeRefused as error:
        raise KeystoreRefused(error.message, error.facts, error.next) from None


def _read(place: Path) -> tuple[bytes, bytes]:
    lines = _read_trusted(place).split(b"\n")
    if len(lines) != 3 or lines[2]:
        raise KeystoreRefused("The keystore is not a keystore of this kind.")
    return lines[0], _hexadecimal(lines[1].decode("ascii", "replace"))


def _header(line: bytes) -> dict[str, str | int]:
    """The header, every field of it checked before it is used."""
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT or not isinstance(header.get("lock"), str):
        raise KeystoreRefused("The keystore is not a keystore of this kind.")
    _hexadecimal(header.get("nonce"), _NONCE_BYTES)
    if header["lock"] == "argon2id":
        _hexadecimal(header.get("salt"), _SALT_BYTES)
        memory, passes = header.get("memory_kib"), header.get("passes")
        if type(memory) is not int or type(passes) is not int:
            raise KeystoreRefused("The keystore does not say how its passphrase is guarded.")
        if fault := Cost(memory, passes).fault():
            raise KeystoreRefused(f"The keystore is refused: {fault}.")
    return header


def _hexadecimal(value: object, size: int | None = None) -> bytes:
    try:
        content = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        content = b""
    if not content or (size is not None and len(content) != size):
        raise KeystoreRefused("The keystore is damaged.")
    return content
