"""SIGHAN's spelling check as it was released: samples of 2013, training files of 2014 and 2015, tests with their truth.

Five of the released files have a byte or two that are not UTF-8, within one passage each: such a passage is refused by itself.
"""

import re
from collections.abc import Iterator
from html import unescape

from flows.text.adapter import Notes, Row, TextFile
from flows.text.csc import pair_row
from flows.text.files import decoded_but_for_strays

STRAY_BYTES = "bytes that are not UTF-8"
ELSEWHERE = "a mistake that does not stand where it is said to"
UNREADABLE = "a mistake that is not written as they are"

_ESSAY = re.compile(r"(?=<ESSAY\b)")
_PASSAGE = re.compile(r'<PASSAGE\s+id="([^"]+)"\s*>(.*?)</PASSAGE\s*>', re.DOTALL)
_MISTAKE = re.compile(  # behind "<MISTAKE"
    r'\s+id="([^"]+)"\s+location="(\d{1,9})"\s*>'
    r"\s*<WRONG\s*>(.*?)</WRONG\s*>\s*<CORRECTION\s*>(.*?)</CORRECTION\s*>\s*</MISTAKE\s*>",
    re.DOTALL,
)
_MISTAKE_ID = re.compile(r'[^>]*?\bid\s*=\s*"([^"]+)"')
_DOCUMENT = re.compile(r'\s+Nid="([^"]+)"\s*>\s*<P\s*>(.*?)</P\s*>(.*?)</DOC\s*>', re.DOTALL | re.IGNORECASE)  # behind "<DOC"
_PLACED = re.compile(  # behind "<MISTAKE"; without words where the place is 0, for none
    r'\s+wrong_position="?(\d{1,9})"?\s*>'
    r"(?:\s*<WRONG\s*>(.*?)</WRONG\s*>\s*<CORRECT\s*>(.*?)</CORRECT\s*>)?\s*</MISTAKE\s*>",
    re.DOTALL | re.IGNORECASE,
)
_INPUT = re.compile(r"\(?(?:pid|NID|id)=([^)\s]+)\)?\s+(.*)")

Mistake = tuple[int, str, str]  # place from 1, the word around it, that word put right


def read_sgml(file: TextFile, notes: Notes) -> Iterator[Row]:
    """2014 and 2015, training: passages with mistakes at places that count from 1.

    WRONG is the word around the mistake, and `location` the place of the character in the passage. Of a mistake that cannot be
    read nobody knows what it corrects: the passage that it names is refused, and every one of its essay where it names none.
    """
    mistakes: dict[str, list[Mistake]] = {}
    unreadable: set[str] = set()
    passages: list[tuple[str, str]] = []
    for number, essay in enumerate(_ESSAY.split(decoded_but_for_strays(file))):
        found = [(match[1], match[2]) for match in _PASSAGE.finditer(essay)]
        passages += found
        for tagged in re.split(r"<MISTAKE\b", essay)[1:]:
            read, named = _MISTAKE.match(tagged), _MISTAKE_ID.match(tagged)
            if read:
                mistakes.setdefault(read[1], []).append((int(read[2]), _word(read[3]), _word(read[4])))
            elif named:
                unreadable.add(named[1])
            else:
                notes.counts["mistakes_without_an_id"] += 1
                unreadable.update([identifier for identifier, _ in found] or [f"{file.place}, essay {number}"])
    for identifier in sorted((mistakes.keys() | unreadable) - {identifier for identifier, _ in passages}):
        notes.refuse(identifier, "a mistake of no passage")
    for identifier, text in passages:
        notes.counts["passages"] += 1
        if identifier in unreadable:
            notes.refuse(identifier, UNREADABLE)
        else:
            yield from _corrected(identifier, text, mistakes.get(identifier, []), notes)


def read_samples(file: TextFile, notes: Notes) -> Iterator[Row]:
    """2013, samples: one passage a document, with one mistake or, at place 0, none."""
    for number, tagged in enumerate(re.split(r"<DOC\b", decoded_but_for_strays(file), flags=re.IGNORECASE)[1:], 1):
        notes.counts["passages"] += 1
        document = _DOCUMENT.match(tagged)
        if document is None:
            notes.refuse(f"{file.place}, document {number}", "a document that is not written as they are")
            continue
        read = [_PLACED.match(mistake) for mistake in re.split(r"<MISTAKE\b", document[3], flags=re.IGNORECASE)[1:]]
        # A place without words, or words without one.
        if any(mistake is None or (mistake[1] == "0") != (mistake[2] is None) for mistake in read):
            notes.refuse(document[1], UNREADABLE)
            continue
        mistakes = [(int(mistake[1]), _word(mistake[2]), _word(mistake[3])) for mistake in read if mistake and mistake[2]]
        yield from _corrected(document[1], document[2], mistakes, notes)


def _word(text: str) -> str:
    return unescape(text).strip()


def _corrected(identifier: str, text: str, mistakes: list[Mistake], notes: Notes) -> Iterator[Row]:
    wrong = unescape(text).strip("\r\n")
    right: str | None = wrong
    for place, bad, good in mistakes:
        right = None if right is None or len(bad) != len(good) else _put_right(wrong, right, place - 1, bad, good)
    if right is None:
        notes.refuse(identifier, ELSEWHERE)
    else:
        yield from pair_row(identifier, wrong, right, notes, STRAY_BYTES)


def _put_right(wrong: str, right: str, place: int, bad: str, good: str) -> str | None:
    """`right` with the word put right that covers `place`; None where `wrong` does not have it there."""
    for start in range(max(0, place - len(bad) + 1), place + 1):
        at = place - start
        if wrong.startswith(bad, start) and bad[at] != good[at]:
            return right[:start] + good + right[start + len(bad) :]
    return None


def read_truth(file: TextFile, notes: Notes) -> Iterator[Row]:
    """Tests, input and truth in one: `(pid=ID) text` or `(NID=ID) text`, and `ID, place, character, ...` with 0 for none."""
    texts: dict[str, str] = {}
    truth: dict[str, list[str]] = {}
    for line in filter(str.strip, decoded_but_for_strays(file).split("\n")):
        said = _INPUT.match(line)
        if said:
            texts[said[1]] = said[2].rstrip("\r\n")
        else:
            identifier, *fields = (part.strip() for part in line.split(","))
            truth[identifier] = [field for field in fields if field]
    notes.counts["truths_of_no_passage"] += len(truth.keys() - texts.keys())
    for identifier, wrong in texts.items():
        notes.counts["passages"] += 1
        places = truth.get(identifier)
        if places is None:
            notes.refuse(identifier, "no truth for it")
            continue
        if places == ["0"]:
            places = []
        elif not places or len(places) % 2:
            notes.refuse(identifier, "truth that is not pairs of place and character")
            continue
        characters = list(wrong)
        try:
            for place, correct in zip(places[::2], places[1::2], strict=True):
                if len(correct) != 1 or int(place) < 1:
                    raise ValueError
                characters[int(place) - 1] = correct
        except (ValueError, IndexError):
            notes.refuse(identifier, ELSEWHERE)
            continue
        yield from pair_row(identifier, wrong, "".join(characters), notes, STRAY_BYTES)
