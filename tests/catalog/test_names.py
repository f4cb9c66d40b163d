"""Names are one safe path component."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CatalogError
from catalog.names import check_name, is_name, parse_reference


@given(st.text(max_size=12) | st.text("ab./\\\\-_~ \n@", max_size=6))
def test_a_name_never_leaves_its_folder(text: str) -> None:
    if is_name(text):
        assert PurePosixPath("root", text).parts == ("root", text)
        assert PureWindowsPath("root", text).parts == ("root", text)
        assert text not in ("", ".", "..")
        assert check_name(text) == text
        assert parse_reference(f"{text}@{text}") == (text, text)
    else:
        with pytest.raises(CatalogError) as caught:
            check_name(text)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "parsed"), [("a", ("a", None)), ("a@3", ("a", "3")), ("a-b.c_d@v1.0", ("a-b.c_d", "v1.0"))]
)
def test_references(reference: str, parsed: tuple[str, str | None]) -> None:
    assert parse_reference(reference) == parsed


@pytest.mark.parametrize("reference", ["", "@", "a@", "@1", "a@b@c", "../a", "a/b@1", "a@/"])
def test_bad_references(reference: str) -> None:
    with pytest.raises(CatalogError):
        parse_reference(reference)


def test_a_name_is_as_long_as_file_systems_take_with_suffixes_behind_it(tmp_path: Path) -> None:
    longest = "n" * 128
    assert check_name(longest) == longest
    (tmp_path / f"{longest}-0123456789abcdef.arrow.tmp").touch()
    for check in (check_name, parse_reference, lambda name: parse_reference(f"a@{name}")):
        with pytest.raises(CatalogError, match="129 characters, at most 128 may be") as caught:
            check("n" * 129)
        assert len(str(caught.value)) < 200
    assert not is_name("n" * 129)
