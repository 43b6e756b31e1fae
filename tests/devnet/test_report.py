"""The report of a replay: its fields, its numbers, its verdict."""

import pytest

from devnet.report import Report, percentile


def test_percentiles() -> None:
    times = [float(number) for number in range(1, 101)]
    assert (percentile(times, 0.5), percentile(times, 0.99), percentile(times, 1.0)) == (50.0, 99.0, 100.0)
    assert (percentile([3.0], 0.5), percentile([], 0.5)) == (3.0, 0.0)


def test_the_last_line_has_the_promised_fields_in_their_order() -> None:
    report = Report(10, 6, 3, 1, 4, 0, 2, True, True, (0.1, 0.2, 0.3), 0.5, 0.06)
    assert report.agrees
    assert report.event() == {
        "event": "report", "rows": 10, "paid": 6, "refused": 3, "unreadable": 1, "members": 4, "sum": "0.00",
        "nodes_agree": True, "csv_agrees": True, "payments_per_s": 6.0, "p50_ms": 200.0, "p99_ms": 300.0,
        "cpu_ms_per_payment": 20.0,
    }  # fmt: skip


@pytest.mark.parametrize(("nodes", "csv"), [(True, False), (False, True), (False, False)])
def test_one_disagreement_is_enough(nodes: bool, csv: bool) -> None:
    assert not Report(0, 0, 0, 0, 0, 0, 2, nodes, csv, (), 0.0, 0.0).agrees
