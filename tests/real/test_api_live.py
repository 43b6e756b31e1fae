"""The API of a home that really runs: every documented GET answers as documented, webhooks survive kill -9."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from devnet.founding import settle_network
from tests.json_schema import faults
from tests.real.homes import end, ending, tally
from wallet.client import running_pid
from wallet.founding import Founder, Terms, found_together

WAIT_S = 30.0
Json = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of two members that is running."""
    place = tmp_path / "home"
    found_together(
        Terms("Testville", "hours", 2, 100_000), [Founder(place, ["ana", "bob"], None, True, True)], quorum=1
    )
    settle_network([place])
    with ending([place]):
        started = tally(place, "up", "--detach")
        assert started.returncode == 0, started.stdout
        yield place


def client(home: Path, token: str | None = None) -> httpx.Client:
    run = json.loads((home / "run" / "api.json").read_text())
    headers = {"Authorization": f"Bearer {token or run['token']}"}
    return httpx.Client(base_url=f"http://{run['address']}", headers=headers, timeout=20)


def pay(api: httpx.Client, amount: str = "1.00", **more: Any) -> httpx.Response:
    order = {"as": "@ana", "payee": "@bob", "amount": amount, "wait": "recorded", **more}
    return api.post("/v1/wallet/pay", json=order)


def is_given_as_json(operation: Json) -> bool:
    return any("application/json" in response.get("content", {}) for response in operation["responses"].values())


def test_every_documented_call_answers_as_documented(home: Path) -> None:
    with client(home) as api:
        made = pay(api, memo="bread").json()
        written = api.get("/v1/openapi.json").json()
        chain = api.get("/v1/accounts/@ana/chain").json()["entries"]
        api.post("/v1/wallet/tokens", json={"name": "till", "scope": "read"})
        api.post("/v1/wallet/webhooks", json={"url": "http://127.0.0.1:9/", "name": "shop", "check": False})
        given = {
            "/v1/accounts/{who}": "/v1/accounts/@ana",
            "/v1/accounts/{who}/chain": "/v1/accounts/@ana/chain",
            "/v1/entries/{id}": f"/v1/entries/{chain[-1]['id']}",
            "/v1/payments/{id}": f"/v1/payments/{made['id']}",
            "/v1/wallet/payments/{id}": f"/v1/wallet/payments/{made['id']}",
            "/v1/wallet/webhooks/{name}/deliveries": "/v1/wallet/webhooks/shop/deliveries",
        }
        well = 0
        for path, item in written["paths"].items():
            if "get" not in item or not is_given_as_json(item["get"]):
                continue
            got = api.get(given.get(path, path.replace("{", "").replace("}", "")))
            responses = item["get"]["responses"]
            named = responses.get(str(got.status_code))
            assert named is not None or got.status_code in (400, 404), (path, got.status_code, got.text)
            response = named or written["components"]["responses"]["Problem"]
            (media,) = response["content"].values()
            assert not list(faults(got.json(), media["schema"], written["components"]["schemas"])), (path, got.text)
            well += got.status_code == 200
        assert well >= 15


def test_every_documented_call_is_closed_to_a_token_of_a_lower_scope(home: Path) -> None:
    scopes = ["read", "request", "spend", "owner"]
    with client(home) as api:
        written = api.get("/v1/openapi.json").json()
        tokens = {}
        for scope in scopes[:3]:
            cap = "1.00" if scope == "spend" else None
            made = api.post("/v1/wallet/tokens", json={"name": scope, "scope": scope, "cap": cap})
            tokens[scope] = made.json()["token"]
    asked = 0
    for has, token in tokens.items():
        with client(home, token) as api:
            for path, item in written["paths"].items():
                for method, operation in item.items():
                    ((needs,),) = [requirement["token"] for requirement in operation["security"]]
                    if scopes.index(needs) > scopes.index(has):
                        got = api.request(method, path.replace("{", "").replace("}", ""))
                        assert (got.status_code, got.json()["code"]) == (403, "scope"), (has, method, path)
                        asked += 1
    assert asked > 30
    assert running_pid(home) is not None, "none of them could end it"


def test_a_token_that_spends_is_bounded_in_a_running_home_and_after_kill_9(home: Path) -> None:
    with client(home) as api:
        body = {"name": "till", "scope": "spend", "cap": "3.00"}
        token = api.post("/v1/wallet/tokens", json=body).json()["token"]
    with client(home, token) as api:
        assert [pay(api).status_code for _ in range(2)] == [201, 201]
    pid = running_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    end(home)
    assert tally(home, "up", "--detach").returncode == 0
    with client(home, token) as api:
        assert pay(api, "1.01").json()["code"] == "cap"
        assert pay(api).status_code == 201
        assert pay(api, "0.01").json()["code"] == "cap"
        assert api.get("/v1/wallet/balance?as=@ana").json()["balance"] == "-3.00"
    with client(home) as api:
        api.delete("/v1/wallet/tokens/till")
    with client(home, token) as api:
        assert api.get("/v1/wallet/balance").status_code == 401


class Receiver:
    """A real receiver that keeps what came and answers what it is told to."""

    def __init__(self) -> None:
        self.status, self.headers, self.got = 200, dict[str, str](), list[Json]()
        self.asked = list[str]()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked.append(self.path)
                if receiver.status == 200:
                    receiver.got.append(body)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with_body = receiver.headers.get("Content-Length")
                if with_body:
                    try:
                        for _ in range(int(with_body) // 65536):
                            self.wfile.write(b"x" * 65536)
                    except OSError:
                        receiver.asked.append("cut")

            def log_message(self, *_: object) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def until(self, count: int) -> list[Json]:
        deadline = time.monotonic() + WAIT_S
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.got) >= count, self.got
        return self.got

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def test_events_reach_a_receiver_in_order_across_kill_9(home: Path) -> None:
    with receiving() as receiver:
        assert tally(home, "webhook", "add", receiver.url, "--name", "shop").returncode == 0
        assert receiver.got.pop()["event"] == "test"
        with client(home) as api:
            first = pay(api).json()["id"]
        receiver.until(1)
        receiver.status = 500
        with client(home) as api:
            second = pay(api).json()["id"]
        pid = running_pid(home)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        end(home)
        receiver.status = 200
        assert tally(home, "up", "--detach").returncode == 0
        deadline = time.monotonic() + WAIT_S
        while second not in [one["id"] for one in receiver.got] and time.monotonic() < deadline:
            time.sleep(0.02)
        told = [one["id"] for one in receiver.got]
        assert second in told and first in told
        assert told == sorted(told, key=[first, second].index), "in order"


def test_a_redirect_is_not_followed_and_a_long_answer_is_not_read(home: Path) -> None:
    with receiving() as receiver, receiving() as elsewhere:
        receiver.status, receiver.headers = 307, {"Location": elsewhere.url}
        refused = tally(home, "webhook", "add", receiver.url, "--name", "shop")
        assert refused.returncode == 3 and "307" in refused.stdout
        assert elsewhere.asked == [] and "no webhooks" in tally(home, "webhook", "list").stdout
        receiver.status, receiver.headers = 200, {"Content-Length": str(64 << 20)}
        began = time.monotonic()
        assert tally(home, "webhook", "add", receiver.url, "--name", "shop").returncode == 0
        assert time.monotonic() - began < 10
    log = (home / "run" / "tally.log").read_text()
    assert "/hook" not in log and "HTTP Request" not in log


def test_a_target_that_nobody_answers_at_is_told_at_once(home: Path) -> None:
    began = time.monotonic()
    refused = tally(home, "webhook", "add", "http://127.0.0.1:9/hook")
    assert refused.returncode == 3 and "could not be reached" in refused.stdout
    assert time.monotonic() - began < 10
