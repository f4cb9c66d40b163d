"""OpenCC as it is installed: text converted whole, and the tables and chains it converts by.

Its C++ side stops at a NUL and refuses lone surrogates, so text is cut there; both are kept as they are.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import opencc

from synth.errors import YuliaoError, near_matches

TOFU = True  # characters that few fonts have are written too: said outright, since OpenCC's own default has changed
_UNCONVERTIBLE = re.compile("([\0\ud800-\udfff]+)")

Table = Mapping[str, str]


class ConversionError(YuliaoError):
    """A configuration that there is none of, or an OpenCC without its tables."""


def version() -> str:
    """What stands in a converted row: the version and how it was set, `1.4.2 tofu`."""
    return f"{opencc.__version__}{' tofu' if TOFU else ''}"


def configurations() -> list[str]:
    """Names of the configurations that OpenCC has, such as `s2twp`."""
    return sorted(name.removesuffix(".json") for name in opencc.CONFIGS)


def convert_text(text: str, configuration: str) -> str:
    """`text` by OpenCC, any text: NULs and lone surrogates stay where they are.

    Raises:
        ConversionError: no such configuration.
    """
    convert = _converter(configuration).convert
    try:
        if "\0" not in text:
            converted: str = convert(text)
            return converted
    except UnicodeEncodeError:
        pass
    return "".join(part if k % 2 else convert(part) for k, part in enumerate(_UNCONVERTIBLE.split(text)))


@cache
def _converter(configuration: str) -> Any:  # one for each process: OpenCC's objects do not pickle
    if configuration not in configurations():
        raise ConversionError(f"OpenCC has no configuration {configuration!r}{near_matches(configuration, configurations())}")
    return opencc.OpenCC(configuration, include_tofu_risk_dictionaries=TOFU)


@dataclass(frozen=True)
class Stage:
    """One pass over a text: by first character, the (length, table) to try there, in order. The first that matches counts."""

    candidates: Mapping[str, tuple[tuple[int, Table], ...]]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Chain:
    """A configuration: characters made uniform, the text cut into segments, and each segment taken through the stages."""

    normalisation: Stage | None
    segmentation: Stage | None
    stages: tuple[Stage, ...]


@cache
def read_chain(configuration: str) -> Chain:
    """The tables that `configuration` converts by, out of the files that OpenCC brings.

    Raises:
        ConversionError: no such configuration, or files that cannot be read.
    """
    if configuration not in configurations():
        raise ConversionError(f"OpenCC has no configuration {configuration!r}{near_matches(configuration, configurations())}")
    config = json.loads((_folder() / "share" / "opencc" / f"{configuration}.json").read_text(encoding="utf-8"))
    normalisation, segmentation = config.get("normalization"), config.get("segmentation")
    if len(normalisation or []) > 1 or (segmentation and segmentation["type"] != "mmseg"):
        raise ConversionError(f"OpenCC {opencc.__version__} does {configuration} in a way not known here; install opencc 1.4")
    return Chain(
        normalisation=_stage(normalisation[0]["dict"]) if normalisation else None,
        segmentation=_stage(segmentation["dict"]) if segmentation else None,
        stages=tuple(_stage(step["dict"]) for step in config["conversion_chain"]),
    )


def _stage(node: Mapping[str, Any]) -> Stage:
    levels = _levels(node)
    candidates: dict[str, list[tuple[int, Table]]] = {}
    for table in levels:
        lengths: dict[str, set[int]] = {}
        for key in table:
            lengths.setdefault(key[0], set()).add(len(key))
        for first, found in lengths.items():
            candidates.setdefault(first, []).extend((length, table) for length in sorted(found, reverse=True))
    return Stage({first: tuple(found) for first, found in candidates.items()}, tuple(levels))


def _levels(node: Mapping[str, Any]) -> list[Table]:
    """Tables in the order in which they are asked. Of a union the longest match counts, so its tables are one."""
    if node["type"] != "group":
        return [_read_table(node["file"])]
    levels = [table for inner in node["dicts"] for table in _levels(inner)]
    if node.get("match_policy") == "union":
        return [{key: value for table in reversed(levels) for key, value in table.items()}]
    return levels


@cache
def _read_table(file: str) -> Table:
    """Keys and the first of their values: OpenCC's own program turns its binary files into text."""
    source, suffix = _folder() / "share" / "opencc" / file, Path(file).suffix.removeprefix(".")
    program = next(iter(sorted((_folder() / "bin").glob("opencc_dict*"))), None)
    if program is None:
        raise ConversionError(f"the installed OpenCC has no program opencc_dict in {_folder() / 'bin'}; install its wheel again")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "table.txt"
        command: list[str | Path] = [program, "-i", source, "-o", written, "-f", suffix, "-t", "text"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ConversionError(
                f"OpenCC's table {file} cannot be read ({done.stderr.strip() or done.returncode}); install it again"
            )
        lines = written.read_text(encoding="utf-8").split("\n")
    entries = (line.partition("\t") for line in lines if line)
    return {key: values.split(" ")[0] for key, _, values in entries}


def _folder() -> Path:
    return Path(opencc.__file__).parent / "clib"
