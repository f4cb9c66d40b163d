"""SQuAD 2.0's JSON. Beside `answer_start`, in code points, stands `answer_start_utf16` for tools in JavaScript; `exact` is false
where script conversion widened an answer."""

import json
from collections.abc import Iterator
from itertools import groupby

from catalog.export import Context, Format, LeaveOut, Row
from synth.text.utf16 import Units


def _lines(context: Context, rows: Iterator[Row], leave_out: LeaveOut) -> Iterator[str]:
    """Rows that follow each other and share an article or a context stand in one."""
    yield json.dumps({"version": f"{context.manifest.name}@{context.manifest.version}"})[:-1] + ', "data": ['
    for k, (_, of_article) in enumerate(groupby(rows, lambda row: row["article_id"])):
        paragraphs = []
        title = article = ""
        for (identifier, text), of_context in groupby(of_article, lambda row: (row["context_id"], row["context"])):
            questions = list(of_context)
            title, article = questions[0]["title"], questions[0]["article_id"]
            units = Units(text)
            paragraphs.append({"id": identifier, "context": text, "qas": [_question(row, units) for row in questions]})
        item = {"title": title, "id": article, "paragraphs": paragraphs}
        yield (",\n" if k else "\n") + json.dumps(item, ensure_ascii=False)
    yield "\n]}\n"


def _question(row: Row, units: Units) -> Row:
    answers = zip(row["answers"]["text"], row["answers"]["answer_start"], row["answers_exact"], strict=True)
    return {
        "id": row["id"],
        "question": row["question"],
        "is_impossible": row["is_impossible"],
        "answers": [
            {"text": text, "answer_start": at, "answer_start_utf16": units.before(at), "exact": exact}
            for text, at, exact in answers
        ],
    }


FORMATS = (Format("squad", ("mrc",), "json", _lines),)
