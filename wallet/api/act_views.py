"""Acts, invites, requests and the charter as JSON values: only shapes."""

from node.amounts import format_amount
from node.views import handle_of
from protocol.base import COMMONS
from protocol.commons import Commons
from protocol.invite import Invite
from protocol.payment import community_text

from ..stewards.charter import community_lines, tolerance
from ..stewards.inviting import Asked
from ..stewards.listing import ActRow
from ..stewards.words import percent
from .act_shapes import ActView, CharterView, CommunityView, InviteView, RequestView

SHORT = 8
"""Digits of an act's id by which people name it."""


def act_view(row: ActRow) -> ActView:
    """One act."""
    return {
        "act": row.id[:SHORT],
        "id": row.id,
        "state": row.state.value,
        "words": list(row.words),
        "signed": list(row.signed),
        "missing": list(row.missing),
        "needed": row.needed,
        "here": row.here,
        "reason": row.reason,
        "place": row.place,
        "time": row.time,
    }


def invite_view(made: Invite, commons: Commons) -> InviteView:
    """A new invite, the one time that it is shown."""
    voucher = made.voucher
    return {
        "invite": str(made),
        "link": made.link(),
        "file": made.file_text(),
        "uses": voucher.uses,
        "limit": format_amount(voucher.limit, commons.decimals),
        "unit": commons.unit,
        "expires": voucher.expires,
        "addresses": list(made.addresses),
        "only_here": all("/127." in address or "/ip6/::1/" in address for address in made.addresses),
    }


def request_view(asked: Asked, commons: Commons) -> RequestView:
    """One request."""
    request, voucher = asked.request, asked.request.voucher
    return {
        "id": request.id.hex(),
        "handle": request.handle,
        "greeting": request.greeting,
        "invited_by": None if asked.invited_by == COMMONS else handle_of(commons, asked.invited_by),
        "own": asked.own,
        "uses": voucher.uses,
        "limit": format_amount(voucher.limit, commons.decimals),
        "expires": min(request.expires, voucher.expires),
        "alike": list(asked.alike),
    }


def community_view(commons: Commons) -> CommunityView:
    """The community and its charter."""
    charter, stewards = commons.charter(), commons.stewards()
    count, quorum, decimals = len(commons.witnesses), commons.quorum, commons.decimals
    terms: CharterView = {
        "least_send": format_amount(charter.least_send, decimals),
        "ceiling": format_amount(charter.ceiling, decimals) if charter.ceiling else None,
        "levy": percent(charter.levy_ppm),
        "commons_limit": format_amount(charter.commons_limit, decimals),
    }
    return {
        "id": community_text(commons.community),
        "name": commons.name,
        "unit": commons.unit,
        "decimals": decimals,
        "members": len(commons.members),
        "height": commons.height,
        "charter": terms,
        "stewards": len(stewards.keys),
        "stewards_needed": stewards.threshold,
        "witnesses": count,
        "quorum": quorum,
        "may_lie": 2 * quorum - count - 1,
        "may_be_away": count - quorum,
        "tolerance": tolerance(count, quorum),
        "words": community_lines(commons),
    }
