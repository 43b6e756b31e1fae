"""The owner's webhooks over HTTP: add one, list them, test one, remove one, and how its deliveries went."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.scopes import Scope

from ..books.webhooks import Delivery, WebhookRow
from ..programs.webhooks import Shown, Webhooks
from .shapes import AddedWebhookView, DeliveriesView, DeliveryView, TestedView, WebhooksView, WebhookView


class NewWebhook(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a new webhook. No `events`: all; `check`: refuse it unless it takes a test now."""

    url: str
    name: str | None = None
    events: list[str] = []
    check: bool = True


class Target(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a test: the name of a webhook, or a URL."""

    target: str


class WebhooksApi:
    """The handlers. One method a call."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def routes(self) -> list[Call]:
        """The table of addresses."""
        owner, path, url = Scope.OWNER, "/v1/wallet/webhooks", "https://shop.example/hook"
        return [
            Call("GET", path, self.webhooks, owner, "the webhooks, by name", WebhooksView),
            Call("POST", path, self.add, owner, "add one; its secret is shown this once", AddedWebhookView, NewWebhook,
                 status=201, example={"url": url, "events": ["payment"]}),
            Call("POST", f"{path}/test", self.test, owner, "send a test to a webhook or a URL", TestedView, Target,
                 example={"target": url}),
            Call("GET", path + "/{name}/deliveries", self.deliveries, owner, "how its last deliveries went, newest "
                 "first", DeliveriesView),
            Call("DELETE", path + "/{name}", self.remove, owner, "tell it nothing more", WebhookView),
        ]  # fmt: skip

    async def webhooks(self, _: Request) -> Response:
        """List them."""
        view: WebhooksView = {"webhooks": [_shown_view(shown) for shown in self._webhooks.listed()]}
        return answer(view)

    async def add(self, request: Request) -> Response:
        """Add one."""
        body = await read_body(request, NewWebhook)
        row = await self._webhooks.add(body.url, body.name, body.events, check=body.check)
        view: AddedWebhookView = {**_view(row), "secret": row.secret}
        return answer(view, 201)

    async def test(self, request: Request) -> Response:
        """Send a test."""
        target = (await read_body(request, Target)).target
        await self._webhooks.test(target)
        view: TestedView = {"taken": True}
        return answer(view)

    async def deliveries(self, request: Request) -> Response:
        """Say how deliveries went."""
        found = self._webhooks.deliveries(request.path_params["name"])
        view: DeliveriesView = {"deliveries": [_delivery_view(one) for one in found]}
        return answer(view)

    async def remove(self, request: Request) -> Response:
        """Remove one."""
        return answer(_view(await self._webhooks.remove(request.path_params["name"])))


def _view(row: WebhookRow, tries: int = 0, last: Delivery | None = None) -> WebhookView:
    return {
        "name": row.name,
        "url": row.url,
        "events": list(row.events),
        "created": row.created,
        "tries": tries,
        "last": None if last is None else _delivery_view(last),
    }


def _shown_view(shown: Shown) -> WebhookView:
    return _view(shown.row, shown.tries, shown.last)


def _delivery_view(one: Delivery) -> DeliveryView:
    return {
        "id": one.id, "event": one.event, "time": one.time, "tries": one.tries, "fault": one.fault or None,
    }  # fmt: skip
