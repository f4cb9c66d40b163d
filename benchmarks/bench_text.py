"""Text: conversion that keeps spans, errors, segmentation, in MB of UTF-8 a second of process time.

    python -m benchmarks.bench_text [--megabytes 1] [--data DRCD_dev.json] [--repeats 3]

Texts are made of jieba's words by their frequencies, or are the contexts of a file in SQuAD's form, with its answers as spans.
Every figure is the best of the repeats, in one process.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from synth.text.characters import HAN
from synth.text.confusions import Confusions
from synth.text.convert import Span, convert, track
from synth.text.edits import invert
from synth.text.errors import Errors
from synth.text.opencc import convert_text, version
from synth.text.readings import TAIWAN
from synth.text.spec import ErrorRates
from synth.text.tokens import segmenter, share_on_edges, words

SPANS = 7  # answers of a context, as DRCD's dev has them
Text = tuple[str, list[Span]]


def made_up(megabytes: float, cache: Path) -> list[Text]:
    """Contexts of about 450 simplified characters, with spans of whole words."""
    random = np.random.default_rng(0)
    frequencies = words(cache)
    vocabulary = [*frequencies, *"，。，的"]
    weights = np.array([*frequencies.values(), *[3_000_000] * 4], float)
    texts: list[Text] = []
    size = 0
    while size < megabytes * 1e6:
        drawn = [vocabulary[int(k)] for k in random.choice(len(vocabulary), 260, p=weights / weights.sum())]
        edges = np.cumsum([0, *map(len, drawn)])
        starts = random.integers(0, len(drawn) - 3, SPANS)
        texts.append(("".join(drawn), [(int(edges[k]), int(edges[k + 2])) for k in starts]))
        size += len(texts[-1][0].encode())
    return texts


def of_file(path: Path) -> list[Text]:
    """Contexts, and the answers that stand where the file says."""
    texts = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            answers = [answer for qa in paragraph["qas"] for answer in qa["answers"]]
            places = [(answer["answer_start"], answer["text"]) for answer in answers]
            spans = [(at, at + len(text)) for at, text in places if context.startswith(text, at)]
            texts.append((context, spans))
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1.0)
    parser.add_argument("--data", type=Path, help="a file in SQuAD's form instead of texts that are made up")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        texts = of_file(arguments.data) if arguments.data else made_up(arguments.megabytes, cache)
        size_mb = sum(len(text.encode()) for text, _ in texts) / 1e6
        print(f"{len(texts)} texts, {size_mb:.2f} MB, {sum(len(spans) for _, spans in texts)} spans; OpenCC {version()}\n")
        conversions(texts, size_mb, arguments.repeats)
        errors(texts, size_mb, arguments.repeats)
        segmentation(texts, size_mb, cache, arguments.repeats)


def conversions(texts: Sequence[Text], size_mb: float, repeats: int) -> None:
    """With spans, beside OpenCC alone; whether all edges are exact, and the tracked text OpenCC's."""
    for configuration in ("s2twp", "tw2sp", "s2tw", "tw2s"):
        alone = best(lambda: [convert_text(text, configuration) for text, _ in texts], repeats)  # noqa: B023
        kept = best(lambda: [convert(text, spans, configuration) for text, spans in texts], repeats)  # noqa: B023
        dense = best(lambda: [convert(text, every(text), configuration) for text, _ in texts], repeats)  # noqa: B023
        tracked = best(lambda: [track(text, configuration) for text, _ in texts], 1)  # noqa: B023
        exact = [exact for text, spans in texts for exact in convert(text, spans, configuration).exact]
        same = sum(track(text, configuration)[0] == convert_text(text, configuration) for text, _ in texts)
        print(
            f"{configuration:6} {size_mb / kept:6.2f} MB/s with spans, {size_mb / dense:5.2f} with one every 4 characters, "
            f"{size_mb / alone:6.2f} OpenCC alone, {size_mb / tracked:5.2f} tracked; "
            f"exact {sum(exact)} of {len(exact)}; tracked as OpenCC {same} of {len(texts)}"
        )


def every(text: str) -> list[Span]:
    """Two characters of each four, as named entities and tokens stand, whatever words they cut."""
    return [(k, k + 2) for k in range(0, len(text) - 1, 4)]


def errors(texts: Sequence[Text], size_mb: float, repeats: int) -> None:
    """A correction set's errors, at the rates of `csc_asr` without words; whether all of them invert."""
    frequencies = Counter(character for text, _ in texts for character in HAN.findall(text))
    making = Errors(ErrorRates(), Confusions(frequencies, TAIWAN))
    sentences = [sentence for text, _ in texts for sentence in text.split("。") if sentence]
    seconds = best(lambda: [making.put_in(sentence, 0) for sentence in sentences], repeats)
    made = [making.put_in(sentence, 0) for sentence in sentences]
    inverted = sum(invert(wrong, edits) == right for right, (wrong, edits) in zip(sentences, made, strict=True))
    rate = sum(len(edits) for _, edits in made) / frequencies.total()
    print(f"errors {size_mb / seconds:6.2f} MB/s  {rate:.4f} per Han character  {inverted} of {len(sentences)} invert")


def segmentation(texts: Sequence[Text], size_mb: float, cache: Path, repeats: int) -> None:
    """Both engines, and the share of spans on edges of tokens."""
    for engine in ("jieba", "rjieba"):
        segment = segmenter(engine, cache)
        segment("一")  # loads the dictionary
        seconds = best(lambda: [segment(text) for text, _ in texts], 1 if engine == "jieba" else repeats)  # noqa: B023
        shares = [share_on_edges(spans, segment(text)) for text, spans in texts]
        on_edges, spans = (sum(column) for column in zip(*shares, strict=True))
        print(f"{engine:6} {size_mb / seconds:6.2f} MB/s  {on_edges / spans:.4f} of the spans on edges of tokens")


def best(work: Callable[[], object], repeats: int) -> float:
    """Process seconds of the quickest run."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
