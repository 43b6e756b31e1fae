"""What the library logs reaches our logger at debug level and nothing else."""

import logging

import pytest

from node.transport.logs import LOGGER, capture_library_logs


def test_a_library_error_becomes_one_debug_line_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    capture_library_logs()
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        logging.getLogger("libp2p.network.swarm").error("failed to open:\n  Error: no\n  Protocols: none")
    assert [(record.name, record.levelname) for record in caplog.records] == [(LOGGER.name, "DEBUG")]
    assert caplog.records[0].getMessage() == "libp2p.network.swarm: failed to open:"


def test_capturing_twice_says_everything_once(caplog: pytest.LogCaptureFixture) -> None:
    capture_library_logs()
    capture_library_logs()
    with caplog.at_level(logging.DEBUG, LOGGER.name):
        logging.getLogger("libp2p.host").warning("once")
    assert len(caplog.records) == 1


def test_what_a_library_module_says_on_the_root_logger_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    capture_library_logs()
    theirs = logging.makeLogRecord(
        {"pathname": "/x/site-packages/libp2p/network/conn.py", "msg": "noise", "levelno": 40}
    )
    ours = logging.makeLogRecord({"pathname": "/x/node/service.py", "msg": "news", "levelno": 40})
    for record in (theirs, ours):
        logging.getLogger().handle(record)
    assert [record.msg for record in caplog.records] == ["news"]
