"""Which Prefect server, if any, runs of this process report to."""

import os
import urllib.error
import urllib.request

from synth.errors import YuliaoError

_PATIENCE_S = 5.0


class ServerNotFoundError(YuliaoError):
    """PREFECT_API_URL names a server that does not answer."""


def answering_server() -> str | None:
    """PREFECT_API_URL, after the server there has answered; None where it is not set. Imports nothing of Prefect.

    Raises:
        ServerNotFoundError: nothing answers there, or what answers is no Prefect server.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return None
    advice = "start it with `prefect server start`, or unset PREFECT_API_URL to work without one"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_PATIENCE_S) as answer:
            if answer.read().strip() != b"true":
                raise ServerNotFoundError(
                    f"what answers at PREFECT_API_URL={url} is no Prefect server (the address ends in /api); {advice}"
                )
    except urllib.error.HTTPError as error:
        raise ServerNotFoundError(
            f"PREFECT_API_URL={url} answers {error.code} {error.reason} (the address ends in /api); {advice}"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ServerNotFoundError(f"no Prefect server answers at PREFECT_API_URL={url} ({reason}); {advice}") from error
    return url
