"""Hosts that carry many corpora: where their files lie, in the order in which they are tried."""


def openslr(number: int) -> tuple[str, ...]:
    """The mirrors of an OpenSLR resource. www.openslr.org is the slowest and so the last resort."""
    hosts = ("us.openslr.org", "openslr.elda.org", "openslr.trmal.net", "openslr.magicdatatech.com", "www.openslr.org")
    return tuple(f"https://{host}/resources/{number}/{{file}}" for host in hosts)
