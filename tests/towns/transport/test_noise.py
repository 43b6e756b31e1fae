"""The encrypted channel over a real pair of sockets: whole records in order, however little the socket takes."""

from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from node.transport.noise import PLAIN_BYTES_MAX, Session

SEAL = bytes(16)


async def sessions() -> tuple[Session, Session]:
    """Both ends of a connection whose seal is sixteen zero bytes."""
    left, right = trio.socket.socketpair()
    return session(trio.SocketStream(left)), session(trio.SocketStream(right))


def session(stream: trio.SocketStream) -> Session:
    raw = SimpleNamespace(stream=SimpleNamespace(stream=stream))
    state = SimpleNamespace(encrypt=lambda plain: bytes(plain) + SEAL, decrypt=lambda sealed: sealed[: -len(SEAL)])
    channel = SimpleNamespace(read_writer=SimpleNamespace(read_write_closer=raw), noise_state=state)
    made: Any = SimpleNamespace(
        conn=channel, local_peer=None, local_private_key=None, remote_peer=None, remote_permanent_pubkey=None,
        is_initiator=True,
    )  # fmt: skip
    return Session(made)


async def test_what_the_socket_takes_at_once_leaves_without_waiting() -> None:
    one, other = await sessions()
    assert one.write_now(b"bread")
    assert await other.receive() == b"bread"
    await one.close()
    assert await other.receive() == b""
    await other.close()


async def test_what_the_socket_does_not_take_follows_in_order() -> None:
    one, other = await sessions()
    sent = [bytes([number]) * (PLAIN_BYTES_MAX + number) for number in range(64)]
    took_all = [one.write_now(data) for data in sent[:-1]]
    assert took_all[0] != took_all[-1]
    got = bytearray()

    async def read() -> None:
        while len(got) < sum(map(len, sent)):
            got.extend(await other.receive())

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await one.drain()
            await one.write(sent[-1])
    assert bytes(got) == b"".join(sent)
    await one.close()
    await other.close()


async def test_writing_to_one_who_is_gone_or_on_what_was_closed_raises_and_never_reaches_another_file() -> None:
    one, other = await sessions()
    await other.close()
    with pytest.raises(OSError, match="Broken pipe"):
        one.write_now(b"bread")
    await one.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        one.write_now(b"bread")


async def test_reading_ends_when_the_connection_is_closed_under_it() -> None:
    one, other = await sessions()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                with pytest.raises(trio.ClosedResourceError):
                    await one.receive()

            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            await one.close()
    await other.close()
