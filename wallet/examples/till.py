"""A shop's till: says an amount, waits until a payment of just that much is final, and says who paid.

Final is enough to hand over the bread: it cannot be taken back any more. What comes in is found in the stream of
events, from before the customer was asked on, so nobody is too quick for it.
"""

import argparse
import sys
from decimal import Decimal

import anyio

import wallet


async def paid(home: str | None, amount: Decimal, seconds: float) -> str | None:
    """Wait for `amount` and return who paid it; None when nobody does in time."""
    async with wallet.connect(home) as shop:
        now = await shop.place()
        print(f"Please pay @{(await shop.balance()).handle} {amount}", flush=True)
        with anyio.move_on_after(seconds):
            async for event in shop.events(now):
                if (event.direction, event.state, event.amount) == ("in", "final", amount):
                    return event.payer
    return None


def main() -> int:
    """Read the command line and wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("amount", type=Decimal)
    parser.add_argument("--home")
    parser.add_argument("--seconds", type=float, default=120.0)
    said = parser.parse_args()
    customer = anyio.run(paid, said.home, said.amount, said.seconds)
    print("Nobody paid." if customer is None else f"@{customer} paid {said.amount}: thank you!")
    return 0 if customer else 1


if __name__ == "__main__":
    sys.exit(main())
