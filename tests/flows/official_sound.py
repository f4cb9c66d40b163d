"""The archives of each corpus of sound in their official layout, a few KB each: one function a corpus, named as its adapter.

Loaded by the fixture `official` of conftest.py. Each gives the files as their makers publish them, whole where they publish
parts, and the rows in them by official split; where a corpus has texts, those with text.
"""

import io
import tarfile
import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile

Files = dict[str, bytes | str]


@dataclass(frozen=True)
class Official:
    """What the makers publish, and what is in it."""

    files: dict[str, bytes]  # by the name of the archive
    rows: dict[str, int]  # by official split


def sound(name: str, form: str = "WAV", rate_hz: int = 16_000, channels: int = 1, samples: int = 800) -> bytes:
    """Noise of its own for every name."""
    random = np.random.default_rng(list(name.encode()))
    file = io.BytesIO()
    soundfile.write(file, random.integers(-9000, 9000, (samples, channels)).astype(np.int16), rate_hz, format=form)
    return file.getvalue()


@cache
def m4a(name: str) -> bytes:
    """Noise as AAC, mono, 16 kHz."""
    import av

    data = io.BytesIO()
    samples = np.random.default_rng(list(name.encode())).normal(0, 0.1, (1, 2048)).astype(np.float32)
    with av.open(data, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def tgz(files: Files) -> bytes:
    """A gzipped tar of them, in that order; the same bytes each time."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz", compresslevel=1) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content.encode() if isinstance(content, str) else content)
            tar.addfile(member, io.BytesIO(content.encode() if isinstance(content, str) else content))
    return data.getvalue()


def zipped(files: Files) -> bytes:
    """A zip of them, in that order; the same bytes each time."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def aishell1() -> Official:
    """Speakers' archives in the archive; one utterance has no transcript; texts with spaces and full-width letters."""
    speakers = {"S0002": "train", "S0003": "train", "S0724": "dev", "S0764": "test"}
    ids = {speaker: [f"BAC009{speaker}W{k:04}" for k in (122, 123, 124)] for speaker in speakers}
    inner: Files = {
        f"data_aishell/wav/{speaker}.tar.gz": tgz({f"{split}/{speaker}/{id_}.wav": sound(id_) for id_ in ids[speaker]})
        for speaker, split in speakers.items()
    }
    lines = [f"{id_} 而 对 楼市 ｋ ｔ ｖ\n" for of_speaker in ids.values() for id_ in of_speaker][1:]
    inner["data_aishell/transcript/aishell_transcript_v0.8.txt"] = "".join(lines)
    resource: Files = {
        "resource_aishell/lexicon.txt": "SIL sil\n",
        "resource_aishell/speaker.info": "".join(f"{speaker[1:]} {'FM'[int(speaker[1:]) % 2]}\n" for speaker in speakers),
    }
    return Official({"data_aishell.tgz": tgz(inner), "resource_aishell.tgz": tgz(resource)}, {"train": 5, "dev": 3, "test": 3})


def aishell3() -> Official:
    """No folder above; readings beside the characters; 44.1 kHz."""
    files: Files = {"spk-info.txt": "# speaker age gender accent\nSSB0005\tB\tfemale\tnorth\nSSB0009\tB\tmale\tsouth\n"}
    for split, speaker in (("train", "SSB0005"), ("test", "SSB0009")):
        files |= {f"{split}/wav/{speaker}/{speaker}{k:04}.wav": sound(f"{speaker}{k}", rate_hz=44_100) for k in (1, 2)}
        files[f"{split}/content.txt"] = "".join(f"{speaker}{k:04}.wav\t广 guang3 州 zhou1\n" for k in (1, 2))
    files["train/label_train-set.txt"] = "SSB00050001|guang3 zhou1 $|广 州 $\n"
    return Official({"data_aishell3.tgz": tgz(files)}, {"train": 2, "test": 2})


def cn_celeb() -> Official:
    """Enrolment repeats what is in `data`; which speakers are for training stands in a list. The second corpus comes in parts."""
    data = {
        f"CN-Celeb_flac/data/{s}/{g}-01-00{k}.flac": (s, g, k)
        for s in ("id00000", "id00800")
        for g in ("singing", "vlog")
        for k in (1, 2)
    }
    first: Files = {path: sound(repr(said), "FLAC") for path, said in data.items()}
    first["CN-Celeb_flac/eval/enroll/id00800-enroll.flac"] = first["CN-Celeb_flac/data/id00800/singing-01-001.flac"]
    first["CN-Celeb_flac/eval/lists/trials.lst"] = "id00800-enroll test/id00800-singing-01-001.wav 1\n"
    first["CN-Celeb_flac/dev/dev.lst"] = "id00000\n"
    second: Files = {f"CN-Celeb2_flac/data/id10000/drama-01-00{k}.flac": sound(f"second {k}", "FLAC") for k in (1, 2, 3)}
    second["CN-Celeb2_flac/spk.lst"] = "id10000\n"
    return Official({"cn-celeb_v2.tar.gz": tgz(first), "cn-celeb2_v2.tar.gz": tgz(second)}, {"dev": 4, "eval": 4, "cn-celeb2": 3})


def demand() -> Official:
    """An archive for each place, a file for each of sixteen channels."""
    places = "DKITCHEN DLIVING DWASHING NFIELD NPARK NRIVER OHALLWAY OMEETING OOFFICE PCAFETER PRESTO PSTATION SPSQUARE STRAFFIC"
    files = {
        f"{place}_16k.zip": zipped(
            {f"{place}/ch{channel:02}.wav": sound(f"{place}{channel}", samples=160) for channel in range(1, 17)}
        )
        for place in f"{places} TBUS TCAR TMETRO".split()
    }
    return Official(files, {"all": 17})


def librispeech() -> Official:
    """Seven archives, and the tables of speakers in each of them; a name there holds a bar."""
    speakers = {
        "train-clean-100": 19,
        "train-clean-360": 14,
        "train-other-500": 20,
        "dev-clean": 84,
        "dev-other": 116,
        "test-clean": 61,
        "test-other": 1688,
    }
    table = ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
    table += "".join(
        f"{speaker:<4} | {'MF'[speaker % 2]} | {part:<16} | 20.18 | |CBW|Simon\n" for part, speaker in speakers.items()
    )
    archives = {}
    for part, speaker in speakers.items():
        chapter = f"LibriSpeech/{part}/{speaker}/198/{speaker}-198"
        files: Files = {"LibriSpeech/README.TXT": "LibriSpeech\n", "LibriSpeech/SPEAKERS.TXT": table}
        files |= {f"{chapter}-{k:04}.flac": sound(f"{speaker} {k}", "FLAC") for k in range(2)}
        files[f"{chapter}.trans.txt"] = "".join(f"{speaker}-198-{k:04} IT'S LINE {k}\n" for k in range(2))
        archives[f"{part}.tar.gz"] = tgz(files)
    return Official(archives, dict.fromkeys(speakers, 2))


def musan() -> Official:
    """Three sorts, with notes beside the audio; the noises from Freesound are those of RIRS_NOISES."""
    files: Files = {
        "musan/README": "MUSAN\n",
        "musan/music/fma/ANNOTATIONS": "music-fma-0000 jazz N somebody\n",
        "musan/music/fma/music-fma-0000.wav": sound("music"),
        "musan/noise/sound-bible/noise-sound-bible-0000.wav": sound("bible"),
        "musan/speech/us-gov/speech-us-gov-0000.wav": sound("speech"),
    }
    files |= {f"musan/noise/free-sound/noise-free-sound-{k:04}.wav": sound(f"free-sound {k}") for k in range(3)}
    return Official({"musan.tar.gz": tgz(files)}, {"all": 6})


def _rirs_noises() -> dict[str, bytes]:
    real = "RIRS_NOISES/real_rirs_isotropic_noises"
    files: Files = {
        "RIRS_NOISES/README": "RIRS_NOISES\n",
        f"{real}/RVB2014_type1_rir_largeroom1_far_angla.wav": sound("rir", channels=8),
        f"{real}/RVB2014_type1_noise_largeroom1_1.wav": sound("isotropic", channels=8),
        f"{real}/rir_list": f"--rir-id 1 --room-id largeroom1 {real}/RVB2014_type1_rir_largeroom1_far_angla.wav\n",
        f"{real}/noise_list": f"--noise-id 1 --noise-type isotropic {real}/RVB2014_type1_noise_largeroom1_1.wav\n",
        "RIRS_NOISES/pointsource_noises/noise_list": "--noise-id 1 --noise-type point-source\n",
    }
    files |= {f"RIRS_NOISES/pointsource_noises/noise-free-sound-{k:04}.wav": sound(f"free-sound {k}") for k in range(2)}
    for size in ("small", "medium", "large"):
        files[f"RIRS_NOISES/simulated_rirs/{size}room/Room001/Room001-00001.wav"] = sound(f"rir of a {size} room")
    return {"rirs_noises.zip": zipped(files)}


def rirs_noises() -> Official:
    """Responses of three sizes of rooms under the same names, and a real one of eight channels."""
    return Official(_rirs_noises(), {"all": 4})


def rirs_noises_noise() -> Official:
    """The noises of the same archive."""
    return Official(_rirs_noises(), {"all": 3})


def speech_commands_v2() -> Official:
    """No folder above; the splits stand in two lists."""
    clips = {
        f"{word}/{speaker}_nohash_0.wav": f"{word}{speaker}"
        for word in ("go", "right")
        for speaker in ("00f0204f", "a69b9b3e", "b0000000")
    }
    files: Files = {"./_background_noise_/pink_noise.wav": sound("pink"), "./LICENSE": "CC BY\n"}
    files |= {f"./{path}": sound(said) for path, said in clips.items()}
    files["./validation_list.txt"] = "".join(f"{path}\n" for path in clips if "b0000000" in path)
    files["./testing_list.txt"] = "".join(f"{path}\n" for path in clips if "a69b9b3e" in path)
    return Official({"speech_commands_v0.02.tar.gz": tgz(files)}, {"train": 2, "validation": 2, "test": 2})


def thchs30() -> Official:
    """`data` holds all audio and the transcripts, in three lines; beside the audio of a split these only name a file there."""
    files: Files = {}
    for split, name in (("train", "A11_0"), ("train", "A11_1"), ("dev", "B11_374"), ("test", "D4_750")):
        files |= {
            f"data_thchs30/data/{name}.wav": sound(name),
            f"data_thchs30/data/{name}.wav.trn": "他 仅 凭 腰部 l = 的 力量\nta1 jin3 ping2\nt a1 j in3 p ing2\n",
            f"data_thchs30/{split}/{name}.wav": sound(name),
            f"data_thchs30/{split}/{name}.wav.trn": f"../data/{name}.wav.trn\n",
        }
    return Official({"data_thchs30.tgz": tgz(files)}, {"train": 2, "dev": 1, "test": 1})


def vctk() -> Official:
    """No folder above; two microphones; p315 has no text."""
    files: Files = {
        "speaker-info.txt": "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\np225  23  F    English    Southern  England\n"
    }
    for name in ("p225_001", "p225_002", "p315_001"):
        at = f"wav48_silence_trimmed/{name[:4]}/{name}"
        files |= {f"{at}_mic{mic}.flac": sound(f"{name} {mic}", "FLAC", 48_000) for mic in (1, 2)}
        if name[:4] != "p315":
            files[f"txt/{name[:4]}/{name}.txt"] = "Please call Stella.\n"
    return Official({"VCTK-Corpus-0.92.zip": zipped(files)}, {"all": 2})


def vctk_mic2() -> Official:
    """The same archive."""
    return vctk()


def voxceleb1() -> Official:
    """The dev archive is published in four parts; a table with tabs."""
    dev: Files = {f"wav/{s}/1zcIwhmdeo4/{k:05}.wav": sound(f"{s} {k}") for s in ("id10001", "id10002") for k in (1, 2)}
    test: Files = {f"wav/id10270/5r0dWxy17C8/{k:05}.wav": sound(f"test {k}") for k in (1, 2)}
    table = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\n"
    table += "id10001\tA.J._Buckley\tm\tIreland\tdev\nid10002\tA.R._Rahman\tm\tIndia\tdev\nid10270\tEartha_Kitt\tf\tUSA\ttest\n"
    files = {"vox1_dev_wav.zip": zipped(dev), "vox1_test_wav.zip": zipped(test), "vox1_meta.csv": table.encode()}
    return Official(files, {"dev": 4, "test": 2})


def voxceleb2() -> Official:
    """AAC; the dev archive is published in eight parts and has a folder more; a table with commas and blanks."""
    dev: Files = {f"dev/aac/id00012/21Uxsk56VDQ/{k:05}.m4a": m4a(f"dev {k}") for k in (1, 2)}
    test: Files = {f"aac/id00017/01dfn2spqyE/{k:05}.m4a": m4a(f"test {k}") for k in (1, 2)}
    table = (
        "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set\nid00012 ,n000012 ,m ,dev\nid00017 ,n000017 ,f ,test\nid04170 ,n004170 ,m ,dev\n"
    )
    files = {"vox2_dev_aac.zip": zipped(dev), "vox2_test_aac.zip": zipped(test), "vox2_meta.csv": table.encode()}
    return Official(files, {"dev": 2, "test": 2})


def wham_noise() -> Official:
    """Two channels; tables that are not needed."""
    name = "40pc020b_0.52421_409c021e_-0.52421"
    files: Files = {f"wham_noise/{part}/{part}_{name}.wav": sound(part, channels=2) for part in ("tr", "cv", "tt")}
    files["wham_noise/metadata/noise_meta_tr.csv"] = "utterance_id,start_samp_16k\n"
    return Official({"wham_noise.zip": zipped(files)}, {"tr": 1, "cv": 1, "tt": 1})
