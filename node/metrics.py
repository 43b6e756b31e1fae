"""The node's counters and gauges in the text form that Prometheus reads (exposition format 0.0.4)."""

from protocol.ledger import Ledger

from .bookkeeper import Bookkeeper


def metrics_text(ledger: Ledger, bookkeeper: Bookkeeper, peers: int) -> str:
    """Write all of them; amounts are in the smallest units."""
    commons = ledger.commons
    rows = (
        ("tally_up", "gauge", "1 while the record can be kept", int(bookkeeper.failed is None)),
        ("tally_journal_row", "counter", "newest durable row", bookkeeper.journal.last_row),
        ("tally_commons_height", "gauge", "newest decided seq of account 0", commons.height),
        ("tally_members", "gauge", "members admitted", len(commons.members)),
        ("tally_waiting_entries", "gauge", "entries that wait for another", len(bookkeeper.waiting)),
        ("tally_wanted_certificates", "gauge", "certificates whose entry is not here", len(bookkeeper.wanted())),
        ("tally_balance_sum_minor", "gauge", "sum of all that there is; anything but 0 is a fault", ledger.check_sum()),
        ("tally_peers", "gauge", "nodes connected", peers),
    )
    return "".join(
        f"# HELP {name} {words}\n# TYPE {name} {kind}\n{name} {value}\n" for name, kind, words, value in rows
    )
