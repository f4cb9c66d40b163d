"""The sets that yuliao comes with, one YAML file each, and how a spec is found: by its name or by its path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from synth.errors import SpecError, near_matches
from synth.spec import SeparationSpec, parse_spec
from synth.text.spec import KINDS as TEXT_KINDS
from synth.text.spec import CscSpec, LabelledSpec, MrcSpec, parse_text_spec

_FOLDER = Path(__file__).parent


def spec_names() -> list[str]:
    """Names of the specs that come with yuliao."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_spec(name_or_path: str, overrides: Mapping[str, Any] | None = None) -> SeparationSpec:
    """The spec of that name, or in the file at that path (recognised by its suffix .yaml or .yml, or by a "/").

    Args:
        name_or_path: as a user writes it.
        overrides: values by dotted key, laid over what the file says.

    Raises:
        SpecError: no such spec or file; whatever `synth.spec.parse_spec` finds wrong in it.
    """
    if is_text_spec(name_or_path):
        raise SpecError(
            f"{name_or_path} is a set of text, which has no plan: `yuliao build {name_or_path} --dry-run` shows its sizes"
        )
    return parse_spec(_read(name_or_path), name_or_path, overrides)


def is_text_spec(name_or_path: str) -> bool:
    """Whether that spec asks for a set of text.

    Raises:
        SpecError: no such spec or file.
    """
    try:
        data = yaml.safe_load(_read(name_or_path))
    except yaml.YAMLError:
        return False  # whoever parses it says where
    return isinstance(data, dict) and data.get("kind") in TEXT_KINDS


def load_text_spec(name_or_path: str, overrides: Mapping[str, Any] | None = None) -> MrcSpec | CscSpec | LabelledSpec:
    """As `load_spec`, for a set of text."""
    return parse_text_spec(_read(name_or_path), name_or_path, overrides)


def _read(name_or_path: str) -> str:
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        path = Path(name_or_path)
    elif name_or_path in spec_names():
        path = _FOLDER / f"{name_or_path}.yaml"
    else:
        raise SpecError(f"no spec {name_or_path!r}{near_matches(name_or_path, spec_names())}")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"cannot read the spec {name_or_path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"the spec {name_or_path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
