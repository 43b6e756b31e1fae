"""Sends one body to one address of the network, for webhooks: bounded in time, and only to learn a status.

Follows no redirect, takes no proxy or password from the environment, reads no answer's body, and logs no address: the
path of one is often a secret. The library is loaded when something is sent first.
"""

import logging
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from httpx import AsyncClient

TIMEOUT_S = 10.0
QUIET = ("httpx", "httpcore")
"""Loggers that would write addresses."""


class Poster:
    """Sends, one connection a call."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> str:
        """Send `body`; returns why it was not taken, in a few words, or nothing: then the answer was a 2xx."""
        client = await trio.to_thread.run_sync(_client)
        import httpx  # it is loaded by now

        with trio.move_on_after(TIMEOUT_S):
            try:
                async with client, client.stream("POST", url, headers=headers, content=body) as response:
                    return "" if response.is_success else f"it answered {response.status_code}"
            except httpx.TimeoutException:
                return f"no answer within {TIMEOUT_S:.0f} seconds"
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                # ValueError: a host that cannot be looked up, as x..y; the library lets it through.
                return f"it could not be reached ({type(error).__name__})"
        return f"no answer within {TIMEOUT_S:.0f} seconds"


def _client() -> "AsyncClient":
    """In a thread: the library, and the certificates it trusts, take a while to load."""
    import httpx

    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIMEOUT_S)
