"""Four plain package names are ours: where another distribution owns one of them, half of what runs would be its code."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("synth", "catalog", "annotate", "flows")
DISTRIBUTION = "yuliao"


def check_ownership() -> None:
    """Refuse to go on where another distribution owns one of yuliao's package names.

    Raises:
        ImportError: a package of ours comes from another place than `catalog`, or is claimed by another installed distribution.
    """
    ours = Path(__file__).resolve().parent.parent
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if found != ours / package:
            raise ImportError(
                f"yuliao is installed in {ours}, but its package {package!r} comes from {found or 'nowhere'}: "
                "move or uninstall that one, or give yuliao an environment of its own"
            )
    for distribution, package in _other_owners():
        raise ImportError(
            f"the installed distribution {distribution!r} owns a package {package!r}, a name of yuliao's: "
            "uninstall it, or give yuliao an environment of its own"
        )


def _other_owners() -> Iterator[tuple[str, str]]:
    """Distributions other than ours whose list of files has one of our packages.

    A package lies beside the record that lists it, so only folders of the search path that hold one are looked through.
    """
    for folder in dict.fromkeys(Path(entry or ".").resolve() for entry in sys.path):
        present = [package for package in PACKAGES if (folder / package / "__init__.py").is_file()]
        if not present:
            continue
        for record in folder.glob("*.dist-info/RECORD"):
            distribution = record.parent.name.partition("-")[0]
            if distribution == DISTRIBUTION:
                continue
            lines = b"\n" + record.read_bytes()
            for package in present:
                if f"\n{package}/__init__.py,".encode() in lines:
                    yield distribution, package
