"""A text corpus, from its files, to a version of its kind."""

import fnmatch
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from catalog.publish import Published, publish
from catalog.roots import open_root
from catalog.shards import row_digest, sum_digests
from catalog.text_kinds import text_schema
from flows.progress import Progress, nothing
from flows.text import corpora
from flows.text.adapter import HALF_A_PAIR, NAMED_AT_MOST, FormError, Notes, Row, TextCorpus, TextError, TextFile
from flows.text.files import text_files
from flows.text.shards import write_rows
from synth.text import opencc
from synth.text.characters import script

ALGORITHM = 1  # raised when the same input shall give other rows


def ingest(
    corpus: str,
    sources: Sequence[Path],
    *,
    sample: int | None = None,
    root: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Published:
    """Publish a text corpus from its files, a folder or archive of them.

    Args:
        corpus: name of an adapter, and of the dataset.
        sources: files, folders, tar or zip archives.
        sample: only the first so many rows of each split, published as `<corpus>_sample`.
        root: the catalog; None means the one of `YULIAO_CATALOG`.
        progress: told of the bytes read.

    Returns:
        The version; `created` is False where the newest version has the same rows already.

    Raises:
        UnknownCorpus: no such adapter.
        TextError: a file that is damaged, of another encoding or form, or nothing of the corpus in the sources.
    """
    adapter = corpora.get(corpus)
    if sample is not None and sample < 1:
        raise TextError(f"a sample of {sample} rows is none; ask for at least 1")
    storage = open_root(root)
    name = adapter.name if sample is None else f"{adapter.name}_sample"
    rows, report = read(adapter, sources, sample, progress or nothing)
    schema = text_schema(adapter.kind, adapter.labels)
    splits = {
        split: write_rows(storage, name, split, schema, rows[split])
        for split in ("train", "validation", "test")
        if rows.get(split)
    }
    content = {
        "algorithm": ALGORITHM,
        "corpus": adapter.name,
        "rows_digest": sum_digests([shard.rows_digest for shards in splits.values() for shard in shards]),
    }
    return publish(
        name,
        kind=adapter.kind,
        splits=splits,
        fingerprint=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(),
        licence=adapter.licence,
        citation=adapter.citation,
        spec={"corpus": adapter.name, "homepage": adapter.homepage, "algorithm": ALGORITHM},
        overrides={} if sample is None else {"sample": sample},
        statistics={"splits": {split: {"rows": len(rows[split])} for split in splits}},
        report=report,
        software={"opencc": opencc.version()},
        known_overlaps=adapter.known_overlaps,
        root=root,
    )


def read(
    adapter: TextCorpus, sources: Sequence[Path], sample: int | None, progress: Progress
) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """Rows by split in the order of the sources, each id once, and what was met in each file.

    Raises:
        TextError: see `ingest`.
    """
    rows: dict[str, list[Row]] = {}
    seen: dict[str, str] = {}
    met: list[dict[str, Any]] = []
    other: list[str] = []
    read_bytes = 0
    aside: list[dict[str, str]] = []
    files = text_files(sources, lambda path: _official(adapter, path) is not None)
    for official, file in _joined(adapter, _of_one_form(adapter, files, aside)):
        read_bytes += len(file.data)
        progress(read_bytes, None, "B")
        if official is None:
            other.append(file.path)
            continue
        notes = Notes()
        of_split = rows.setdefault(adapter.splits[official], [])
        for row in _rows(adapter, file, notes):
            if len(of_split) == sample:
                break
            whole = _identified(adapter, official, row)
            try:
                digest = row_digest({column: value for column, value in whole.items() if column != "official_split"})
            except UnicodeEncodeError:  # the readers look at texts; here it is an id, a title or the like
                notes.refuse(whole["source_id"], HALF_A_PAIR)
                continue
            if whole["id"] in seen:
                same = seen[whole["id"]] == digest
                notes.refuse(whole["source_id"], "a second time the same" if same else "an id that an earlier row has")
                continue
            seen[whole["id"]] = digest
            of_split.append(whole)
        met.append(
            {
                "file": Path(file.path).name,
                "size_bytes": len(file.data),
                "sha256": hashlib.sha256(file.data).hexdigest(),
                "official_split": official,
                "counts": dict(sorted(notes.counts.items())),
                "refused": notes.refused,
            }
        )
    if not any(rows.values()):
        expected = ", ".join(adapter.files)
        reasons = Counter(refused["reason"] for file in met for refused in file["refused"])
        why = f"every row was refused ({reasons.most_common(1)[0][0]})" if reasons else f"no file of {adapter.name} has a row"
        where = ", ".join(map(str, sources)) or "nothing given"
        raise TextError(f"{where}: {why}; {adapter.title} comes as {expected} from {adapter.homepage}")
    report = {
        "changes": _changes(met),
        **_described(met),
        "left_aside_for_another_form": aside,
        "other_files": other[:20],
        "not_confirmed_yet": list(adapter.recalled),
    }
    return rows, report


def _rows(adapter: TextCorpus, file: TextFile, notes: Notes) -> Iterator[Row]:
    try:
        yield from adapter.read(file, notes)
    except FormError as error:
        if not adapter.recalled:
            raise
        recalled = " ".join(adapter.recalled)
        raise FormError(
            f"{error}. That form was recalled and never confirmed: {recalled} Tell yuliao's authors of this"
        ) from error


def _described(met: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The files one by one; where there are more than `NAMED_AT_MOST`, these, refusals first, and the counts of all."""
    if len(met) <= NAMED_AT_MOST:
        return {"files": list(met)}
    counts: Counter[str] = sum((Counter(file["counts"]) for file in met), Counter())
    first = sorted(met, key=lambda file: not file["refused"])[:NAMED_AT_MOST]
    return {"files": first, "files_in_all": len(met), "counts_of_all_files": dict(sorted(counts.items()))}


def _changes(met: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was done to the corpus, for whoever must say so."""
    counts: Counter[str] = sum((Counter(file["counts"]) for file in met), Counter())
    repaired = sum(counts[f"position: {position}"] for position in ("moved", "loose", "number"))
    found = {
        "answers put where they stand in the text, or into its wording": repaired,
        "tags put right that began in the middle of an entity": counts["tags_repaired"],
        "rows left out that could not be used": counts["refused"],
    }
    numbered = [f"{count} {change}" for change, count in found.items() if count]
    return ["brought into the form that corpora of its kind have here", *numbered]


def _official(adapter: TextCorpus, path: str) -> str | None:
    return next((split for pattern, split in adapter.files.items() if _matches(path, pattern)), None)


def _matches(path: str, pattern: str) -> bool:
    """A pattern without "/" is one of the file's name: the folders that it lies in are the user's."""
    return fnmatch.fnmatchcase(path if "/" in pattern else PurePath(path).name, pattern)


def _of_one_form(adapter: TextCorpus, files: Iterable[TextFile], aside: list[dict[str, str]]) -> Iterator[TextFile]:
    """Of each official split the files of the first form, where the corpus comes in several; the others are put into `aside`."""
    if adapter.rank_of_form is None:
        yield from files
        return
    by_split: dict[str | None, list[TextFile]] = {}
    for file in files:
        by_split.setdefault(_official(adapter, file.path), []).append(file)
    yield from by_split.pop(None, [])
    for official, of_split in by_split.items():
        ranks = [adapter.rank_of_form(file) for file in of_split]
        for file, rank in zip(of_split, ranks, strict=True):
            if rank == min(ranks):
                yield file
            else:
                first = of_split[ranks.index(min(ranks))]
                aside.append({"file": file.place, "official_split": official or "", "read_instead": first.place})


def _joined(adapter: TextCorpus, files: Iterable[TextFile]) -> Iterator[tuple[str | None, TextFile]]:
    """Files with their official split, None where they are none of the corpus; those that belong together as one, at the end."""
    together: dict[str, list[TextFile]] = {}
    for file in files:
        official = _official(adapter, file.path)
        if official in adapter.joined:
            together.setdefault(official or "", []).append(file)
        else:
            yield official, file
    for official, parts in together.items():
        yield official, TextFile(parts[0].path, b"\n".join(part.data.removeprefix(b"\xef\xbb\xbf") for part in parts))


def _identified(adapter: TextCorpus, official_split: str, row: Row) -> Row:
    text = next(row[column] for column in ("context", "right", "tokens", "text", "sentence1") if column in row)
    text = "".join(text)  # tokens are a list
    written = script(text) if adapter.language.startswith("zh") else "Latn"
    declared = {"zh-TW": "Hant", "zh-CN": "Hans"}.get(adapter.language)
    spoken = {"Hant": "zh-TW", "Hans": "zh-CN"}.get(written, "zh") if adapter.language == "zh" else adapter.language
    return {
        **row,
        "id": f"{adapter.name}-{row['source_id']}",
        "corpus": adapter.name,
        "official_split": official_split,
        "language": spoken,
        "script": declared or written,
    }
