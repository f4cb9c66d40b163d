"""Options of `ingest` for a corpus of one's own, in a form that many programs write."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flows.adapter import Corpus

_FORMS = ("folder", "table", "kaldi", "lhotse", "datasets")
_OPTIONS = (
    click.option("--as", "form", type=click.Choice(_FORMS), help="CORPUS is one of your own, in this form."),
    click.option("--rate", "sample_rate_hz", type=int, metavar="HZ", help="With --as: the sample rate to bring audio to."),
    click.option("--pattern", help="With --as folder: how paths end (default: {speaker}/{id}.wav)."),
    click.option("--kind", type=click.Choice(("speech", "noise", "rir")), help="With --as: what it holds (default: speech)."),
    click.option("--language", help="With --as: as in zh-TW (default: und, which is none or many)."),
    click.option("--licence", help="With --as: its licence; sets made from it inherit it (default: unknown)."),
    click.option("--citation", help="With --as: what to cite."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, as keyword arguments that `adapter` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def adapter(corpus: str, given: Mapping[str, Any]) -> "Corpus | None":
    """The adapter that the options describe; None where `corpus` is to be one that yuliao knows."""
    from flows import corpora
    from flows.generic import own_corpus
    from flows.text import corpora as text_corpora

    said = described(given)
    form = said.pop("form", None)
    if form is None:
        if said:
            names = ", ".join(sorted("rate" if name == "sample_rate_hz" else name for name in said))
            raise click.UsageError(f"{names} describe a corpus of your own: say with --as in which form it is")
        return None
    if "sample_rate_hz" not in said:
        raise click.UsageError(f"--as {form} needs --rate HZ, the sample rate that the corpus is to have")
    if "pattern" in said and form != "folder":
        raise click.UsageError("--pattern goes with --as folder")
    if corpus in (*corpora.names(), *text_corpora.names()):
        raise click.UsageError(f"{corpus!r} is a corpus that yuliao knows: give yours another name, or leave --as out")
    return own_corpus(corpus, form, **said)


def described(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say, as `flows.generic.own_corpus` takes it; empty where they say nothing."""
    return {name: value for name, value in given.items() if value is not None}
