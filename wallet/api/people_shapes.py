"""The shapes of what people say of themselves, as the wallet's API answers it."""

from typing import TypedDict


class ProfileView(TypedDict):
    """What a member is called; `alike`: handles of others who could be taken for it."""

    account: int
    handle: str
    name: str | None
    about: str | None
    alike: list[str]


class OfferView(TypedDict):
    """Something offered or wanted; `kind` is offer or want, `price` is null when it is to be agreed."""

    key: str
    kind: str
    by: str
    name: str | None
    alike: list[str]
    title: str
    category: str
    text: str
    price: str | None
    until: int


class OffersView(TypedDict):
    """What is offered and wanted now."""

    unit: str
    offers: list[OfferView]


class PublishedView(TypedDict):
    """The key by which an offer or want is taken back."""

    key: str
