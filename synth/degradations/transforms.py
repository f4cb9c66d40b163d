"""The degradations there are: what each may be told and how it is done. To add one, add an entry to `TRANSFORMS`.

Those in CamelCase are audiomentations', told all their parameters and never left to draw any.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.degradations.telephony import changed_speed, fitted, g711, with_packets_lost
from synth.distributions import Distribution, Fixed, Uniform

Samples = NDArray[np.float32]  # [samples] or [channels, samples], within +-1
Values = Mapping[str, float]
Apply = Callable[[Samples, int, Values, int], Samples]
# Of (samples, sample rate in Hz, values) to the parameters of a transform of audiomentations, by its own names.
Theirs = Callable[[Samples, int, Values], dict[str, Any]]


@dataclass(frozen=True)
class Parameter:
    """What may be asked of a parameter, and what is drawn where nothing is asked."""

    low: float
    high: float
    default: Distribution
    whole: bool = False  # rounded to the nearest whole number


@dataclass(frozen=True)
class Transform:
    """One kind of degradation: `apply(samples, sample_rate_hz, values, seed)` is pure and takes a piece that is not empty."""

    apply: Apply
    parameters: dict[str, Parameter]
    divides_length: str | None = None  # the parameter by which the length is divided; None: the length stays
    seeded: bool = False  # draws while it is applied, so that its steps carry a seed


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """The global generators of Python and numpy seeded, and afterwards as they were."""
    of_python, of_numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


def _audiomentations(name: str, theirs: Theirs, **options: Any) -> Apply:
    def apply(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
        import audiomentations

        with _seeded(seed):
            transform = getattr(audiomentations, name)(p=1.0, **options)
            transform.parameters = {"should_apply": True, **theirs(samples, sample_rate_hz, values)}
            transform.freeze_parameters()
            return np.asarray(transform(samples, sample_rate_hz), dtype=np.float32)

    return apply


def _named(**ours: str) -> Theirs:
    """Parameters that only have another name."""
    return lambda samples, sample_rate_hz, values: {theirs: values[name] for theirs, name in ours.items()}


def _one_sided(samples: Samples, sample_rate_hz: int, values: Values) -> dict[str, Any]:
    return {"cutoff_freq": values["cutoff_hz"], "rolloff": 6 * round(values["order"])}


def _two_sided(samples: Samples, sample_rate_hz: int, values: Values) -> dict[str, Any]:
    bandwidth = values["center_hz"] * values["bandwidth_fraction"]
    # audiomentations lowers an edge above half of the sample rate, but not one just there, which scipy refuses.
    if values["center_hz"] + bandwidth / 2 == sample_rate_hz // 2:
        bandwidth *= 0.999
    return {"center_freq": values["center_hz"], "bandwidth": bandwidth, "rolloff": 6 * round(values["order"])}


def _color_noise(samples: Samples, sample_rate_hz: int, values: Values) -> dict[str, Any]:
    rms = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    noise_rms = rms * 10 ** (-values["snr_db"] / 20)
    return {"desired_noise_rms": noise_rms, "f_decay": values["slope_db_per_octave"], "apply_a_weighting": False}


def _time_mask(samples: Samples, sample_rate_hz: int, values: Values) -> dict[str, Any]:
    masked = round(samples.shape[-1] * values["share"])
    return {"t": masked, "t0": round((samples.shape[-1] - masked) * values["position"])}


def _air(samples: Samples, sample_rate_hz: int, values: Values) -> dict[str, Any]:
    return {"temperature": 20, "humidity": values["humidity_percent"], "distance": values["distance_m"]}


def _gain(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return samples * np.float32(10 ** (values["gain_db"] / 20))


_alias = _audiomentations("Aliasing", _named(new_sample_rate="sample_rate_hz"))


def _aliasing(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    # Of a piece that has less than two samples at the lower rate nothing is left to interpolate between.
    left = round(samples.shape[-1] * values["sample_rate_hz"] / sample_rate_hz)
    return _alias(samples, sample_rate_hz, values, seed) if left >= 2 else samples


_stretch = _audiomentations("TimeStretch", _named(rate="rate"), leave_length_unchanged=False)


def _time_stretch(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return fitted(_stretch(samples, sample_rate_hz, values, seed), round(samples.shape[-1] / values["rate"]))


def _speed(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return changed_speed(samples, values["rate"])


def _packet_loss(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return with_packets_lost(samples, sample_rate_hz, values["loss_rate"], values["burst_packets"], seed)


def _mu_law(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return g711(samples, sample_rate_hz, "mu")


def _a_law(samples: Samples, sample_rate_hz: int, values: Values, seed: int) -> Samples:
    return g711(samples, sample_rate_hz, "a")


def _range(least: float, low: float, high: float, most: float, whole: bool = False) -> Parameter:
    """Evenly from `low` to `high` where nothing is asked; `least` to `most` may be asked."""
    return Parameter(least, most, Uniform(uniform=(low, high)), whole)


def _hz(low: float, high: float) -> Parameter:
    """A frequency: below half of the sample rate, too, which is known only where the step is applied."""
    return _range(10, low, high, 96_000)


_ORDER = Parameter(1, 16, Fixed(fixed=4), whole=True)  # 6 dB per octave each
_SHELF = {"center_hz": _hz(200, 3000), "gain_db": _range(-40, -12, 12, 40), "q": _range(0.05, 0.1, 0.999, 1)}
_BAND = {"center_hz": _hz(500, 3000), "bandwidth_fraction": _range(0.01, 0.5, 1.99, 1.99), "order": _ORDER}
_shelf = _named(center_freq="center_hz", gain_db="gain_db", q_factor="q")

TRANSFORMS: dict[str, Transform] = {
    "LowPassFilter": Transform(_audiomentations("LowPassFilter", _one_sided), {"cutoff_hz": _hz(1500, 3800), "order": _ORDER}),
    "HighPassFilter": Transform(_audiomentations("HighPassFilter", _one_sided), {"cutoff_hz": _hz(20, 400), "order": _ORDER}),
    "BandPassFilter": Transform(_audiomentations("BandPassFilter", _two_sided), _BAND),
    "BandStopFilter": Transform(_audiomentations("BandStopFilter", _two_sided), _BAND),
    "LowShelfFilter": Transform(_audiomentations("LowShelfFilter", _shelf), _SHELF),
    "HighShelfFilter": Transform(_audiomentations("HighShelfFilter", _shelf), _SHELF),
    "PeakingFilter": Transform(_audiomentations("PeakingFilter", _shelf), _SHELF | {"q": _range(0.05, 0.5, 5, 50)}),
    "AirAbsorption": Transform(
        _audiomentations("AirAbsorption", _air),
        {"distance_m": _range(0.1, 5, 50, 2500), "humidity_percent": _range(30, 30, 90, 90)},
    ),
    "ClippingDistortion": Transform(
        _audiomentations("ClippingDistortion", _named(percentile_threshold="clipped_percent")),
        {"clipped_percent": _range(0, 2, 20, 100, whole=True)},
    ),
    "TanhDistortion": Transform(
        _audiomentations("TanhDistortion", _named(distortion_amount="amount")), {"amount": _range(0, 0.01, 0.7, 1)}
    ),
    "BitCrush": Transform(_audiomentations("BitCrush", _named(bit_depth="bits")), {"bits": _range(1, 5, 10, 24, whole=True)}),
    "Aliasing": Transform(_aliasing, {"sample_rate_hz": _range(1000, 4000, 7500, 192_000)}),
    "AddColorNoise": Transform(
        _audiomentations("AddColorNoise", _color_noise),
        {"snr_db": _range(-20, 10, 40, 100), "slope_db_per_octave": _range(-12, -6, 6, 12)},
        seeded=True,
    ),
    "TimeMask": Transform(
        _audiomentations("TimeMask", _time_mask), {"share": _range(0, 0.01, 0.1, 1), "position": _range(0, 0, 1, 1)}
    ),
    "Gain": Transform(_gain, {"gain_db": _range(-100, -12, 12, 60)}),
    # Slower than half, the stretcher draws from a generator that nobody can seed.
    "TimeStretch": Transform(_time_stretch, {"rate": _range(0.5, 0.9, 1.1, 2)}, divides_length="rate"),
    "PitchShift": Transform(
        _audiomentations("PitchShift", _named(num_semitones="semitones")), {"semitones": _range(-12, -2, 2, 12)}
    ),
    "speed": Transform(_speed, {"rate": _range(0.5, 0.9, 1.1, 2)}, divides_length="rate"),
    "packet_loss": Transform(
        _packet_loss, {"loss_rate": _range(0, 0.01, 0.1, 0.5), "burst_packets": _range(1, 1, 3, 100)}, seeded=True
    ),
    "codec_mu_law": Transform(_mu_law, {}),
    "codec_a_law": Transform(_a_law, {}),
}
