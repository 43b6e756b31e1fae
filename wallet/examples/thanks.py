"""A bot that says thanks: for each payment that comes in it sends back a little, with a word.

The ref of the thanks is the id of the payment, so that nobody is thanked twice, and thanks are not thanked for: two
such bots would never stop. Where it was in the stream of events is kept in a file, so it may be stopped and started.
"""

import argparse
import sys
from pathlib import Path

import wallet
from wallet.scripting.answers import Event

WORD = "Thank you"
MEMO_BYTES_MAX = 256
LITTLE = "0.01"


def words_for(event: Event) -> str:
    """What is said of a payment. A sealed memo is for two people alone, and a long one leaves no room for thanks."""
    words = f"{WORD} for {event.memo}"
    return words if event.memo and not event.sealed and len(words.encode()) <= MEMO_BYTES_MAX else WORD


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
                words = words_for(event)
                try:
                    me.pay(event.payer, LITTLE, memo=words, ref=f"thanks {event.id}")
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
