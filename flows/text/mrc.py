"""Reading comprehension as its corpora write it: SQuAD's form and those made after it, CMRC's own, and FGC's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from flows.text.adapter import HALF_A_PAIR, NO_ID, FormError, Notes, Row, TextFile, row_id
from flows.text.files import parsed_json
from synth.text.answers import Located, locate, occurrences
from synth.text.characters import has_lone_surrogate, special_characters


def _as_id(value: Any) -> Any:
    """Whole numbers are ids too; null is one that is not given."""
    return "" if value is None else str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_as_id)]
Title = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


@dataclass(frozen=True)
class _Question:
    """A question as any of the forms gives it. `answers` are (text or number, start or None).

    `question_id` is None where what was given can be none; where nothing was given it is the place of the question.
    """

    article_id: str
    title: str
    context_id: str
    context: str
    question_id: str | None
    question: str
    answers: list[tuple[Any, Any]]
    is_impossible: bool


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class _Answer(_Lenient):
    text: Any  # a number where a spreadsheet has been at work
    answer_start: Any = None


class _Columns(_Lenient):
    """Answers as `datasets` stores them."""

    text: list[Any]
    answer_start: list[Any]


class _Qa(_Lenient):
    id: Any
    question: str
    answers: list[_Answer] | _Columns | None = None  # null where a test set keeps them back
    is_impossible: bool | None = None


class _Paragraph(_Lenient):
    context: str
    qas: list[_Qa]
    id: Id = ""


class _Article(_Lenient):
    paragraphs: list[_Paragraph]
    title: Title = ""
    id: Id = ""


class _Squad(_Lenient):
    data: list[_Article]


def read_squad(file: TextFile, notes: Notes, *, first_only: bool = False) -> Iterator[Row]:
    """SQuAD 1.1 and 2.0, DRCD, CMRC's squad-style files, and whatever else is written so. `plausible_answers` are passed over.

    An article without an id goes by its title, and without that by its number.
    """
    document = _checked(file, TypeAdapter(_Squad))
    for a, article in enumerate(document.data):
        article_id = article.id or article.title or f"{file.place}#{a}"
        notes.counts["articles"] += 1
        for p, paragraph in enumerate(article.paragraphs):
            context_id = paragraph.id or f"{article_id}#{p}"
            _note_context(paragraph.context, notes)
            for qa in paragraph.qas:
                identifier = _identifier(qa.id, file, notes)
                if isinstance(qa.answers, _Columns) and len(qa.answers.text) != len(qa.answers.answer_start):
                    notes.refuse(identifier or context_id, "not as many answers as starts")
                    continue
                answers = (
                    list(zip(qa.answers.text, qa.answers.answer_start, strict=True))
                    if isinstance(qa.answers, _Columns)
                    else [(answer.text, answer.answer_start) for answer in qa.answers or ()]
                )
                question = _Question(
                    article_id,
                    article.title,
                    context_id,
                    paragraph.context,
                    identifier,
                    qa.question,
                    answers,
                    # Written out so in SQuAD 2.0; as `datasets` stores it, an empty list is all there is.
                    qa.is_impossible is True or (isinstance(qa.answers, _Columns) and not answers),
                )
                yield from _row(question, notes, first_only)


class _CmrcQa(_Lenient):
    query_id: Any
    query_text: str
    answers: list[Any]


class _CmrcContext(_Lenient):
    context_id: Id
    context_text: str
    qas: list[_CmrcQa]
    title: Title = ""


def cmrc_form(file: TextFile) -> int:
    """0 for CMRC's native form, a list; 1 for the squad-style one, a document, whose starts are guesses."""
    return 0 if file.data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[") else 1


def read_cmrc(file: TextFile, notes: Notes) -> Iterator[Row]:
    """CMRC 2018, squad-style (a document) or native (a list: no starts)."""
    if cmrc_form(file) == 1:
        yield from read_squad(file, notes, first_only=True)
        return
    for context in _checked(file, TypeAdapter(list[_CmrcContext])):
        notes.counts["articles"] += 1
        _note_context(context.context_text, notes)
        for qa in context.qas:
            # Both forms have one article for each context; the title ties together contexts of one article.
            question = _Question(
                context.context_id,
                context.title,
                context.context_id,
                context.context_text,
                _identifier(qa.query_id, file, notes),
                qa.query_text,
                [(answer, None) for answer in qa.answers],
                False,
            )
            yield from _row(question, notes, True)


class _Fgc(BaseModel):
    """FGC's own names, as others report them: the release was not at hand, so what is not among them is counted."""

    model_config = ConfigDict(extra="allow", strict=True)


class _FgcAnswer(_Fgc):
    ATEXT: Any


class _FgcQuestion(_Fgc):
    QID: Any
    QTEXT: str
    ANSWER: list[_FgcAnswer] | None = None
    QTYPE: Any = None
    ATYPE: Any = None
    AMODE: Any = None


class _FgcDocument(_Fgc):
    DID: Id
    DTEXT: str
    QUESTIONS: list[_FgcQuestion]


def read_fgc(file: TextFile, notes: Notes) -> Iterator[Row]:
    """FGC: answers are free text, found in the context where they stand there. Fields not foreseen are counted by name."""
    for document in _checked(file, TypeAdapter(list[_FgcDocument])):
        notes.counts["articles"] += 1
        _note_unforeseen(document, "", notes)
        _note_context(document.DTEXT, notes)
        for qa in document.QUESTIONS:
            _note_unforeseen(qa, "QUESTIONS.", notes)
            for answer in qa.ANSWER or ():
                _note_unforeseen(answer, "QUESTIONS.ANSWER.", notes)
            answers = [(answer.ATEXT, None) for answer in qa.ANSWER or ()]
            identifier = _identifier(qa.QID, file, notes)
            question = _Question(document.DID, "", document.DID, document.DTEXT, identifier, qa.QTEXT, answers, False)
            yield from _row(question, notes, False)


def _note_unforeseen(part: _Fgc, prefix: str, notes: Notes) -> None:
    for name in part.model_extra or {}:
        notes.counts[f"field not foreseen: {prefix}{name}"] += 1


def _checked(file: TextFile, form: TypeAdapter[Any]) -> Any:
    try:
        return form.validate_python(parsed_json(file))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        what = "Input should be an object" if first["type"] == "model_type" else first["msg"]
        raise FormError(f"{file.path}: {place}: {what}; this is not the form that the corpus has") from error


def _identifier(given: Any, file: TextFile, notes: Notes) -> str | None:
    """The id of the next question of the file, which is counted: as given, or its place in the file where none is."""
    notes.counts["questions"] += 1
    return row_id(given, f"{file.place}:{notes.counts['questions']}")


def _note_context(context: str, notes: Notes) -> None:
    notes.counts["paragraphs"] += 1
    notes.counts.update({f"characters: {name}": count for name, count in special_characters(context).items()})


def _row(question: _Question, notes: Notes, first_only: bool) -> Iterator[Row]:
    """The row, or none where it is refused. Counts are of the corpus as it is, before any repair."""
    where = question.question_id
    if where is None:
        notes.refuse(f"a question of {question.context_id}", NO_ID)
        return
    if not (question.context_id.strip() and question.article_id.strip()):
        notes.refuse(where, "a context without an id")
        return
    texts = (
        question.context,
        question.question,
        question.title,
        *(text for text, _ in question.answers if isinstance(text, str)),
    )
    if any(map(has_lone_surrogate, texts)):
        notes.refuse(where, HALF_A_PAIR)
        return
    located: list[Located] = []
    for text, start in question.answers:
        notes.counts["answers"] += 1
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            notes.refuse(where, "an answer that is neither text nor a number")
            return
        at = _whole(start)
        if isinstance(text, str):
            given = at is not None and at >= 0 and question.context.startswith(text, at)
            notes.counts["start_does_not_match"] += start is not None and not given
            notes.counts["occurs_more_than_once"] += len(occurrences(question.context, text)) > 1
        found = locate(question.context, text, at, first_only=first_only)
        if found.position == "none" and question.question.strip():
            notes.counts["answers_not_in_context"] += 1
        notes.counts[f"position: {found.position}"] += 1
        located.append(found)
    if not question.question.strip():
        notes.refuse(where, "an empty question")
        return
    if question.is_impossible:
        located = []
        notes.counts["unanswerable"] += 1
    elif not any(answer.text for answer in located):
        notes.refuse(where, "no answer, and not said to be unanswerable")
        return
    yield _columns(where, question, located)


def _whole(start: Any) -> int | None:
    """A start as a number; 12.0 is one too, which tables make of it. None for what is none."""
    if isinstance(start, float) and start.is_integer():
        return int(start)
    return start if isinstance(start, int) and not isinstance(start, bool) else None


def _columns(where: str, question: _Question, located: list[Located]) -> Row:
    inside = [answer for answer in located if answer.position != "none"]
    return {
        "source_id": where,
        "title": question.title,
        "context": question.context,
        "question": question.question,
        "answers": {"text": [answer.text for answer in inside], "answer_start": [answer.start for answer in inside]},
        "answer_positions": [answer.position for answer in inside],
        "answers_exact": [True] * len(inside),
        "free_answers": [answer.text for answer in located if answer.position == "none" and answer.text],
        "is_impossible": question.is_impossible,
        "article_id": question.article_id,
        "context_id": question.context_id,
    }
