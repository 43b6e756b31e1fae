"""A bot that says thanks: for each payment that comes in it sends back a little, with a word.

The ref of the thanks is the id of the payment, so that nobody is thanked twice, and thanks are not thanked for: two
such bots would never stop. Where it was in the stream of events is kept in a file, so it may be stopped and started.
"""

import argparse
import sys
from pathlib import Path

import wallet

WORD = "Thank you"
LITTLE = "0.01"


def main() -> int:
    """Read the command line and say thanks until interrupted, or until so many were said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home")
    parser.add_argument("--place", type=Path, default=Path("thanks.place"))
    parser.add_argument("--most", type=int)
    said = parser.parse_args()
    count = 0
    with wallet.open(said.home) as me:
        after = said.place.read_text() if said.place.exists() else me.place()
        print("waiting for payments", flush=True)
        for event in me.events(after):
            is_paid = (event.direction, event.state) == ("in", "final")
            if is_paid and event.payer and not (event.memo or "").startswith(WORD):
                words = f"{WORD} for {event.memo}" if event.memo else WORD
                try:
                    me.pay(event.payer, LITTLE, memo=words[:120], ref=f"thanks {event.id}")
                except wallet.RuleRefusal as error:
                    print(f"cannot thank @{event.payer}: {error}", flush=True)
                else:
                    print(f"{words}, @{event.payer}", flush=True)
                    count += 1
            said.place.write_text(event.at)
            if count == said.most:
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
