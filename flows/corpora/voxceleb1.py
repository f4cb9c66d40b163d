"""VoxCeleb1: 352 hours of 1,251 celebrities speaking in YouTube videos. The dev archive comes in four parts."""

import re
from dataclasses import replace

from catalog.manifests import Licence
from flows.adapter import Archive, Corpus, Metadata, Recording, Utterance
from flows.fetch.mirrors import VOXCELEB, VOXCELEB_ACCESS, voxceleb_metadata

# Kaldi's and others' trees have dev/wav and test/wav, the archives themselves wav alone. The very first release had names of
# people as folders and other lists of trials: what is no id is none of this corpus.
_PATH = re.compile(r"(?:.*?/)??(?:(dev|test)/)?(?:wav/)?(id1\d{4})/([\w-]{11})/(\d{5})\.wav")
_SPEAKER = re.compile(r"(id1\d{4})\t[^\t]*\t([mf])\t[^\t]*\t(dev|test)")


def _identify(path: str) -> Utterance | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    split, speaker, video, number = match.groups()
    # The test speakers are those with a name in E: https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html
    official = split or ("test" if 10270 <= int(speaker[2:]) <= 10309 else "dev")
    return Utterance(f"{speaker}-{video}-{number}", speaker, f"{speaker}-{video}", official)


def _settle(recording: Recording, metadata: Metadata) -> Recording:
    split = metadata.facts.get(recording.id[:7])
    return recording if split is None else replace(recording, official_split=split)


def _speakers(text: str, metadata: Metadata) -> None:
    for line in text.splitlines():
        match = _SPEAKER.fullmatch(line.strip())
        if match:
            speaker, gender, split = match.groups()
            metadata.genders[speaker] = "female" if gender == "f" else "male"
            metadata.facts[speaker] = split
        elif line.strip() and not line.startswith("VoxCeleb1 ID"):
            metadata.not_understood.append(line)


CORPUS = Corpus(
    name="voxceleb1",
    title="VoxCeleb1",
    language="und",
    hours=351.6,
    licence=Licence(
        name="CC-BY-4.0",
        commercial_use=True,
        attribution="VoxCeleb1, Visual Geometry Group, University of Oxford",
        notes="the licence is that of the annotations: the copyright of the videos stays with their owners",
    ),
    citation=(
        "Arsha Nagrani, Joon Son Chung, Andrew Zisserman: VoxCeleb: a large-scale speaker identification dataset. "
        "Interspeech 2017."
    ),
    homepage="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html",
    sample_rate_hz=16_000,
    mirrors=VOXCELEB,
    access=VOXCELEB_ACCESS,
    archives=(
        Archive(
            "vox1_dev_wav.zip",
            md5="ae63e55b951748cc486645f532ba230b",
            parts=(
                Archive(
                    "vox1_dev_wav_partaa",
                    md5="e395d020928bc15670b570a21695ed96",
                    sha256="21ec6ca843659ebc2fdbe04b530baa4f191ad4b0971912672d92c158f32226a0",
                ),
                Archive(
                    "vox1_dev_wav_partab",
                    md5="bbfaaccefab65d82b21903e81a8a8020",
                    sha256="311d21e0c8cbf33573a4fce6c80e5a279d80736274b381c394319fc557159a04",
                ),
                Archive(
                    "vox1_dev_wav_partac",
                    md5="017d579a2a96a077f40042ec33e51512",
                    sha256="92b64465f2b2a3dc0e4196ae8dd6828cbe9ddd1f089419a11e4cbfe2e1750df0",
                ),
                Archive(
                    "vox1_dev_wav_partad",
                    md5="7bb1e9f70fddc7a678fa998ea8b3ba19",
                    sha256="00e6190c770b27f27d2a3dd26ee15596b17066b715ac111906861a7d09a211a5",
                ),
            ),
        ),
        Archive(
            "vox1_test_wav.zip",
            1_072_793_438,
            "185fdc63c3c739954633d50379a3d102",
            "8de57f347fe22b2c24526e9f444f689ecf5096fc2a92018cf420ff6b5b15eaea",
        ),
        Archive(
            "vox1_meta.csv",
            40_782,
            sha256="48bcb2f0024cae5d4ccf37e4480f686afb1161c5793a2a9a4c670c0e8dab0892",
            urls=voxceleb_metadata("vox1_meta.csv"),
        ),
    ),
    recalled=("speakers id10270 to id10309 are the test speakers: used only where vox1_meta.csv is missing",),
    splits={"dev": "train", "test": "test"},
    rows={"dev": 148_642, "test": 4_874},
    identify=_identify,
    settle=_settle,
    metadata={"vox1_meta.csv": _speakers},
)
