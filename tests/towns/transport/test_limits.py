"""Bad frames are counted within a minute and shut a peer out for ten; pace is a sliding window."""

from node.transport.limits import BAD_FRAMES_MAX, BAD_FRAMES_WITHIN_S, BAN_S, Conduct, Pace


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_bad_frame_too_many_bans_and_the_ban_ends() -> None:
    clock = Clock()
    conduct = Conduct(clock)
    assert [conduct.mark("anna") for _ in range(BAD_FRAMES_MAX)] == [False] * (BAD_FRAMES_MAX - 1) + [True]
    assert conduct.is_banned("anna") and not conduct.is_banned("bob")
    clock.now += BAN_S - 1
    assert conduct.is_banned("anna")
    clock.now += 1
    assert not conduct.is_banned("anna")
    assert not conduct.mark("anna"), "the count begins anew after a ban"


def test_bad_frames_far_apart_are_forgiven() -> None:
    clock = Clock()
    conduct = Conduct(clock)
    for _ in range(BAD_FRAMES_MAX * 3):
        clock.now += BAD_FRAMES_WITHIN_S / (BAD_FRAMES_MAX - 2)
        assert not conduct.mark("anna")
    assert not conduct.is_banned("anna")


def test_a_pace_allows_so_many_within_its_time_and_no_more() -> None:
    pace = Pace(3, 10.0)
    assert [pace.allows(now) for now in (0, 1, 2, 3, 9)] == [True, True, True, False, False]
    assert pace.allows(10.5), "the first one is out of the window"
    assert not pace.allows(10.6), "what was refused was not counted"
