"""Every type, mode and rate gives the samples that the published scripts wrote for the same generated audio.

The digests were taken from what those scripts wrote (numpy 2.4, scipy 1.17, soundfile 0.14 with libsndfile 1.2.2); ours were the
same.
"""

from typing import Any

import pytest

GOLDEN: list[tuple[tuple[str, tuple[str, ...], str, int], dict[str, str]]] = [
    (
        ("librimix", ("mix_clean", "mix_both", "mix_single"), "min", 8000),
        {
            "mix_both": "dbcb671925aa8528",
            "mix_clean": "f72407a30405a5ae",
            "mix_single": "2a550738c4733983",
            "noise": "58679770dd773998",
            "s1": "338a10f3c3178572",
            "s2": "e3ab3b8ffc83195f",
        },
    ),
    (
        ("librimix", ("mix_clean", "mix_both", "mix_single"), "min", 16000),
        {
            "mix_both": "22c24c5624efb78d",
            "mix_clean": "ec899b2216fa9624",
            "mix_single": "6d665800d38bf4fe",
            "noise": "78dbc085f4e0087e",
            "s1": "2a65f6898045663f",
            "s2": "f9d192dfdb3f4421",
        },
    ),
    (
        ("librimix", ("mix_clean", "mix_both", "mix_single"), "max", 8000),
        {
            "mix_both": "cac5deef77ef6a63",
            "mix_clean": "dc848981ac72caf4",
            "mix_single": "ad0ec99159ad3f15",
            "noise": "df6c169acc5cbd59",
            "s1": "cf4f343c16090f8c",
            "s2": "256d6b3a640ab359",
        },
    ),
    (
        ("librimix", ("mix_clean", "mix_both", "mix_single"), "max", 16000),
        {
            "mix_both": "90a44c38f6114472",
            "mix_clean": "6bcd2d1891534bc3",
            "mix_single": "8e5fe284054a0af3",
            "noise": "fbe5eaa86af973e5",
            "s1": "3acb9ba6b5636dba",
            "s2": "d1b91c6982fc512f",
        },
    ),
    (
        ("sparselibrimix", ("mix_clean", "mix_noisy"), "max", 8000),
        {
            "mix_clean": "afb30fca83590846",
            "mix_noisy": "9713a43b64508ce1",
            "noise": "018eabb64350528a",
            "s1": "b589349351879814",
            "s2": "81dda87873065e0a",
            "s3": "75c96ab4754b5cfb",
        },
    ),
    (
        ("sparselibrimix", ("mix_clean",), "max", 8000),
        {"mix_clean": "60fb61fbf9320626", "s1": "c611ae457b28576b", "s2": "5aa053c531de6f3a", "s3": "6971ba70c3a79610"},
    ),
    (
        ("sparselibrimix", ("mix_clean", "mix_noisy"), "max", 16000),
        {
            "mix_clean": "8177a7b4ddd752d4",
            "mix_noisy": "c0664b6fe2d9d361",
            "noise": "f4c23336193b4b7f",
            "s1": "04981af4e1e07f00",
            "s2": "3392b1ac36351e86",
            "s3": "1252d12d4b87ab77",
        },
    ),
    (
        ("sparselibrimix", ("mix_clean",), "max", 16000),
        {"mix_clean": "0145fee16d5a717c", "s1": "efb50951f6a30b99", "s2": "f2e5d91ff3565aee", "s3": "b9ce33a2c917bdb5"},
    ),
    (("wsj0-mix", ("mix",), "min", 8000), {"mix": "a8dd153ce7fc686c", "s1": "95f0c13be13fa4af", "s2": "3324a7c67c60b9a1"}),
    (("wsj0-mix", ("mix",), "min", 16000), {"mix": "c143204a0b9e9266", "s1": "744b2f07ea309af4", "s2": "e9c26f1308cc3023"}),
    (("wsj0-mix", ("mix",), "max", 8000), {"mix": "c889e4af13ce975f", "s1": "77b1c272118ce24d", "s2": "7d0e204d62c92c68"}),
    (("wsj0-mix", ("mix",), "max", 16000), {"mix": "6a13734140909bc6", "s1": "cba1273c1bf20517", "s2": "509fb1be5ef72dbe"}),
]


@pytest.mark.parametrize(
    ("asked", "expected"), GOLDEN, ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else ""
)
def test_the_samples_are_those_of_the_published_script(published: Any, asked: Any, expected: dict[str, str]) -> None:
    name, types, mode, sample_rate_hz = asked
    assert published(name).digests(types, mode, sample_rate_hz) == expected
