"""The node's own two secrets: the transport key, by which peers know it, and the witness key, with which it votes.

Both are random and never come from recovery words, and no backup contains them: a witness key that could be made
again could vote again without its memory (PROTOCOL-RULES 11). They lie unencrypted in files of their own, for the
owner alone, so that a witness signs without anybody present. No other module reads or writes these files.
"""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from protocol.addresses import peer_text
from protocol.base import KEY_BYTES, PublicKey
from protocol.signing import SecretKey

from .filesystem import (
    FOLDER_MODE,
    StoreRefused,
    check_private,
    make_private_folder,
    sync_folder,
    write_private_file,
)

TRANSPORT_FILE = "transport.key"
WITNESS_FILE = "witness.key"


@dataclass(frozen=True, slots=True)
class Identity:
    """The two secrets, read. Printed, it shows the public half of the witness key and nothing else."""

    transport_seed: bytes
    """32 random bytes from which the transport makes its key."""
    witness_key: SecretKey

    @classmethod
    def fresh(cls) -> "Identity":
        """Two new secrets, on no disk yet."""
        return cls(secrets.token_bytes(KEY_BYTES), SecretKey.from_seed(secrets.token_bytes(KEY_BYTES)))

    @property
    def transport_key(self) -> PublicKey:
        """The public half of the transport key: what a peer id is the text of."""
        return SecretKey.from_seed(self.transport_seed).public

    @property
    def peer_id(self) -> str:
        """By which other nodes know this one, as libp2p writes it."""
        return peer_text(self.transport_key)

    def __repr__(self) -> str:
        return f"Identity(witness={self.witness_key.public.hex()})"


def save_identity(folder: Path, identity: Identity) -> None:
    """Write both keys to `folder` (HOME/node/identity), which must not exist: all of it appears at once, durably.

    Raises StoreRefused rather than replace keys.
    """
    if folder.exists():
        raise StoreRefused(f"There are keys in {folder} already", "Use another home")
    make_private_folder(folder.parent)
    fresh = folder.with_name(folder.name + ".new")
    if fresh.exists():  # left by a founding that was cut short: these keys never signed anything
        shutil.rmtree(fresh)
    fresh.mkdir(mode=FOLDER_MODE)
    write_private_file(fresh / TRANSPORT_FILE, identity.transport_seed)
    write_private_file(fresh / WITNESS_FILE, identity.witness_key.seed_and_public[:KEY_BYTES])
    fresh.rename(folder)
    sync_folder(folder.parent)


def read_identity(folder: Path) -> Identity:
    """Read both keys. Raises StoreRefused when one is missing, not 32 bytes, foreign, or open to other users."""
    if not folder.is_dir():
        raise StoreRefused(f"There are no keys in {folder}", "Found a community or join one first")
    check_private(folder)
    return Identity(_read_key(folder / TRANSPORT_FILE), SecretKey.from_seed(_read_key(folder / WITNESS_FILE)))


def _read_key(file: Path) -> bytes:
    if not os.path.lexists(file):
        raise StoreRefused(f"{file} is missing", "Put the folder back as it was; this key cannot be made again")
    check_private(file)
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise StoreRefused(
            f"{file} holds {len(key)} bytes, not {KEY_BYTES}",
            "Put the file back as it was; this key cannot be made again",
        )
    return key
