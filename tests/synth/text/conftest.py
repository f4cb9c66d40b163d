"""jieba's dictionary as it is loaded fastest, made once a session."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def jieba_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for jieba's cache."""
    folder: Path = tmp_path_factory.mktemp("jieba")
    return folder
