"""Options that several commands have."""

from collections.abc import Sequence
from typing import Any

import click
import yaml

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
workers = click.option("--workers", type=click.IntRange(min=1), help="Worker processes (default: one for each CPU).")


class Setting(click.ParamType[tuple[str, object]]):
    """`KEY=VALUE`: a dotted key of a spec and a value in YAML, as a pair."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, object]:
        key, equals, text = str(value).partition("=")
        if not equals or not key.strip():
            self.fail(f"{value!r}: write KEY=VALUE, as in splits.train.mixtures=2000", param, ctx)
        try:
            return key.strip(), yaml.safe_load(text)
        except yaml.YAMLError:
            self.fail(f"{text!r}, the value of {key.strip()}, is no YAML", param, ctx)


spec = click.argument("spec")
corpus = click.option("--corpus", metavar="CORPUS[@V]", help="Another corpus than the spec's.")
settings = click.option(
    "--set", "settings", type=Setting(), multiple=True, help="Another value for a key of the spec; repeatable."
)


def overrides(corpus: str | None, settings: Sequence[tuple[str, object]]) -> dict[str, object]:
    """What --corpus and --set lay over a spec, by dotted key."""
    return {**({"corpus": corpus} if corpus else {}), **dict(settings)}
