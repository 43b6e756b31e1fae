"""Starts and asks `transport_process`; ends it by closing its input, or at once by its own process id."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from protocol.addresses import peer_text
from protocol.signing import SecretKey

ROOT = Path(__file__).resolve().parents[2]


def seed_of(number: int) -> bytes:
    """A transport key seed for tests, different for every number."""
    return number.to_bytes(4, "big") * 8


def peer_of(number: int) -> str:
    """The peer id that `seed_of(number)` gives."""
    return peer_text(SecretKey.from_seed(seed_of(number)).public)


@dataclass(slots=True)
class EchoProcess:
    """A running `transport_process`."""

    process: "subprocess.Popen[str]"
    peer_id: str
    addresses: list[str]
    errors: IO[str]

    def said(self) -> str:
        """What it has written to standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def ask(self, question: str) -> Any:
        """One line to its input, one JSON value back."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def freeze(self) -> None:
        """Stop it without closing anything, as a suspended machine does."""
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def echo_process(number: int, peers: list[str], listen: str = "/ip4/127.0.0.1/tcp/0") -> Iterator[EchoProcess]:
    """An echoing transport with the key of `number`, for as long as the block lasts."""
    with module_process("tests.real.transport_process") as echo:
        started = echo.ask(json.dumps({"seed": seed_of(number).hex(), "listen": listen, "peers": peers, "topic": "aa"}))
        echo.peer_id, echo.addresses = started["peer_id"], started["addresses"]
        yield echo


@contextmanager
def module_process(module: str, *arguments: str) -> Iterator[EchoProcess]:
    """`python -m module`, killed when the block ends."""
    with TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
        )
        try:
            yield EchoProcess(process, "", [], errors)
        finally:
            process.kill()
            process.wait(10)
            assert process.stdin and process.stdout
            process.stdin.close()
            process.stdout.close()
