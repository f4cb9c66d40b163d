"""What a spec may ask about noise."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synth.distributions import Choice, Distribution, Uniform

MOST_AT_ONCE = 64
_MOST_SNR_DB = 40.0

Split = Literal["train", "validation", "test"]
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _a_tuple(value: Any) -> Any:
    """One name or several; none where the key is empty."""
    return () if value is None else (value,) if isinstance(value, str) else value


def _for_each_split(value: Any) -> Any:
    by_split = isinstance(value, dict) and value and value.keys() <= set(_SPLITS)
    return value if by_split else dict.fromkeys(_SPLITS, value)


AtOnce = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] | Choice  # {choice: [1, 2, 3]} draws it for each mixture
SplitDistributions = Annotated[dict[Split, Distribution], BeforeValidator(_for_each_split)]


class Babble(_Strict):
    """Noise made of speech: each talker is another held-out speaker, whose utterances follow one another without an end."""

    talkers: AtOnce = Choice(choice=(3, 4, 5, 6, 7, 8))
    share: float = Field(default=1.0, gt=0.0, le=1.0)  # of the noisy mixtures; the others take recordings

    @model_validator(mode="after")
    def _whole(self) -> "Babble":
        _check_whole("babble.talkers", self.talkers)
        return self


class NoiseSpec(_Strict):
    """Noise under the speech, as long as the mixture.

    A recording that is longer is cut at a start drawn for each mixture. A shorter one is repeated, cross-faded with itself.
    """

    # NAME[@V] of kind noise: one, several, or none where all noise is babble.
    corpus: Annotated[tuple[str, ...], BeforeValidator(_a_tuple)] = ()
    # Weights of the corpora, by name: how much of the recorded noise is taken from each. Unless set, all recordings count alike.
    shares: dict[str, Annotated[float, Field(gt=0)]] | None = None
    # MUSAN holds music and speech too. Speech among the noise is none that a separator should remove, so it has to be asked for.
    categories: Annotated[tuple[Literal["noise", "music", "speech"], ...], BeforeValidator(_a_tuple)] = ("noise",)
    # s1 over the noise; of all splits, or {train: ..., test: ...}
    snr_db: SplitDistributions = Field(default=Uniform(uniform=(0.0, 20.0)), validate_default=True)
    probability: float = Field(default=1.0, gt=0.0, le=1.0)  # that a mixture has noise
    count: AtOnce = 1  # recordings at once, of equal power
    crossfade_s: float = Field(default=0.1, ge=0.01, le=1.0)
    babble: Babble | None = None
    # Shares of the recordings, for a corpus that has no official split into the splits asked for.
    split_proportions: dict[Split, Annotated[float, Field(gt=0)]] = {"train": 0.8, "validation": 0.1, "test": 0.1}

    @model_validator(mode="after")
    def _asks_for_what_can_be(self) -> "NoiseSpec":
        _check_whole("count", self.count)
        for split, snr_db in self.snr_db.items():
            low, high = snr_db.support()
            if low < -_MOST_SNR_DB or high > _MOST_SNR_DB:
                raise ValueError(
                    f"snr_db lies within -{_MOST_SNR_DB:.0f} and {_MOST_SNR_DB:.0f} dB, beyond which 16 bits hold nothing of the "
                    f"weaker side; asked {low:g}..{high:g} ({split})"
                )
        if not self.corpus and self.babble is None:
            raise ValueError("noise needs something to be made of: name a corpus of kind noise (corpus), or ask for babble")
        if not self.corpus and self.babble is not None and self.babble.share < 1:
            raise ValueError(
                f"babble.share {self.babble.share:g} leaves mixtures to recordings: name a corpus of kind noise (corpus)"
            )
        if self.corpus and self.babble is not None and self.babble.share == 1:
            raise ValueError("babble.share 1 leaves nothing for the corpus: ask for a share below 1, or take the corpus out")
        names = {reference.partition("@")[0] for reference in self.corpus}
        unsaid = sorted(names - set(self.shares or {}))
        if self.shares is not None and len(names) > 1 and unsaid:
            raise ValueError(
                f"shares says nothing of {', '.join(unsaid)}, which noise.corpus names: give it a share, or leave shares out "
                "(--set noise.shares=null)"
            )
        if self.corpus and not self.categories:
            raise ValueError("categories names none: noise | music | speech")
        return self

    def most_at_once(self) -> int:
        """The largest `count` that may be drawn."""
        return int(max(self.count.choice)) if isinstance(self.count, Choice) else self.count


def _check_whole(name: str, count: int | Choice) -> None:
    if isinstance(count, Choice) and any(n != int(n) or not 1 <= n <= MOST_AT_ONCE for n in count.choice):
        raise ValueError(f"{name} takes whole numbers from 1 to {MOST_AT_ONCE}; asked {list(count.choice)}")
