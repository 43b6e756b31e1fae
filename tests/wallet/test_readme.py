"""The README of the wallet names every command and every address there is, and none that is not."""

import re
from pathlib import Path
from types import SimpleNamespace

import trio

from node.api import NodeApi
from tests.wallet.test_wallet_api import Nameless, StillNode, ToldWallet
from wallet.__main__ import COMMANDS
from wallet.api.acts import ActsApi
from wallet.api.events import EventsApi
from wallet.api.hosts import HostsApi
from wallet.api.people import PeopleApi
from wallet.api.tokens import TokensApi
from wallet.api.wallet import WalletApi
from wallet.api.webhooks import WebhooksApi

OFFICE = SimpleNamespace(acts=None, inviting=None, calling=None, listing=None)
README = (Path(__file__).parents[2] / "wallet" / "README.md").read_text()


def test_every_command_is_in_the_readme() -> None:
    assert {name for name in re.findall(r"`tally ([a-z]+)", README)} == set(COMMANDS)


def test_every_address_is_in_the_readme_with_its_method() -> None:
    wallet = WalletApi(ToldWallet(), StillNode(), Nameless(), trio.Event())  # type: ignore[arg-type]  # only listed
    people = PeopleApi(ToldWallet(), StillNode(), Nameless())  # type: ignore[arg-type]
    acts = ActsApi(ToldWallet(), StillNode(), OFFICE)  # type: ignore[arg-type]
    hosts = HostsApi(StillNode(), None)  # type: ignore[arg-type]
    rooms = NodeApi(StillNode()), wallet, people, EventsApi(None), TokensApi(ToldWallet(), None)  # type: ignore[arg-type]
    calls = [call for room in (*rooms, WebhooksApi(None), acts, hosts) for call in room.routes()]  # type: ignore[arg-type]
    served = {f"{call.method} {call.path}" for call in calls}
    assert set(re.findall(r"`((?:GET|POST|DELETE) /v1/[^`]+)`", README)) == served
