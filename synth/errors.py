"""The one family of errors that a user of yuliao may meet."""


class YuliaoError(Exception):
    """A mistake in what was asked for or in the data: its text says what, where and what to do about it."""


class SpecError(YuliaoError):
    """A spec that cannot be read or that asks for what does not exist."""


class PlanError(YuliaoError):
    """A spec that its sources cannot satisfy."""
