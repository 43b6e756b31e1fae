"""The lease at a witness: one instance at a time, and a restart is not another one."""

from protocol.base import AccountId
from protocol.lease import LEASE_S, Leases

ACCOUNT = AccountId(1)
ONE, OTHER, AFTER_RESTART = b"1" * 16, b"2" * 16, b"3" * 16


def test_the_first_who_asks_is_granted() -> None:
    assert Leases().ask(ACCOUNT, ONE, b"", 0.0)


def test_another_instance_waits_until_the_lease_ran_out() -> None:
    leases = Leases()
    leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert not leases.ask(ACCOUNT, OTHER, b"", LEASE_S - 0.1)
    assert leases.ask(ACCOUNT, ONE, b"", LEASE_S - 0.05), "asking in vain took nothing from the holder"
    assert leases.ask(ACCOUNT, OTHER, b"", 2 * LEASE_S)


def test_a_restart_takes_over_from_itself_and_shuts_the_old_life_out() -> None:
    leases = Leases()
    leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert leases.ask(ACCOUNT, AFTER_RESTART, ONE, 1.0)
    assert not leases.ask(ACCOUNT, ONE, b"", 2.0)


def test_while_one_instance_holds_the_lease_only_its_submissions_may_have_a_vote() -> None:
    leases = Leases()
    leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert leases.may_submit(ACCOUNT, ONE, 50.0)
    assert not leases.may_submit(ACCOUNT, OTHER, 50.0), "a late submission of a copy earns no vote"
    assert leases.may_submit(ACCOUNT, OTHER, LEASE_S)


def test_a_submission_prolongs_no_lease_because_no_key_signed_whose_it_is() -> None:
    leases = Leases()
    leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert leases.may_submit(ACCOUNT, ONE, LEASE_S - 1)
    assert leases.ask(ACCOUNT, OTHER, b"", LEASE_S)


def test_a_submission_takes_no_lease() -> None:
    leases = Leases()
    assert leases.may_submit(ACCOUNT, OTHER, 0.0), "nobody holds the lease, so the vote is given"
    assert leases.ask(ACCOUNT, ONE, b"", 1.0)


def test_a_submission_by_somebody_elses_node_needs_no_lease() -> None:
    leases = Leases()
    assert leases.may_submit(ACCOUNT, b"", 0.0)
    assert leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert leases.may_submit(ACCOUNT, b"", 1.0)


def test_accounts_are_apart() -> None:
    leases = Leases()
    leases.ask(ACCOUNT, ONE, b"", 0.0)
    assert leases.ask(AccountId(2), OTHER, b"", 0.0)
