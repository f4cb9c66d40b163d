"""Keys and passwords for downloads: from the environment or a netrc file, and into nothing but the request itself."""

import netrc
import os
from pathlib import Path

from synth.errors import YuliaoError


class NetrcUnreadable(YuliaoError):
    """A netrc file that cannot be parsed."""


def login(host: str) -> tuple[str, str] | None:
    """User and password that the netrc file (`NETRC`, otherwise `~/.netrc`) has for a host; None where it has none.

    Raises:
        NetrcUnreadable: it names the line and nothing of what stands there.
    """
    path = Path(os.environ.get("NETRC") or "~/.netrc").expanduser()
    try:
        found = netrc.netrc(path).authenticators(host)
    except FileNotFoundError:
        return None
    except netrc.NetrcParseError as error:
        raise NetrcUnreadable(f"{path}: line {error.lineno} is not as netrc wants it; see `man netrc`") from None
    return (found[0], found[2] or "") if found else None


def key(variable: str, host: str) -> str | None:
    """What stands for "{key}" in an address: the environment variable, otherwise the password that netrc has for the host."""
    found = os.environ.get(variable, "").strip() if variable else ""
    if found:
        return found
    entry = login(host)
    return entry[1] if entry else None
