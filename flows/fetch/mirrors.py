"""Hosts that carry many corpora: where their files lie, in the order in which they are tried."""

from flows.adapter import Access


def openslr(number: int) -> tuple[str, ...]:
    """The mirrors of an OpenSLR resource. www.openslr.org is the slowest and so the last resort."""
    hosts = ("us.openslr.org", "openslr.elda.org", "openslr.trmal.net", "openslr.magicdatatech.com", "www.openslr.org")
    return tuple(f"https://{host}/resources/{number}/{{file}}" for host in hosts)


def github(repository: str, commit: str, folder: str = "") -> tuple[str, ...]:
    """Files of a repository as a commit has them, or as they are now where that commit is gone."""
    return tuple(f"https://raw.githubusercontent.com/{repository}/{version}/{folder}{{file}}" for version in (commit, "master"))


# VoxCeleb asks for a personal key. Oxford answers 401 and 404 from 2022 on to who has no login there.
VOXCELEB = (
    "https://cn01.mmai.io/download/voxceleb?file={file}&key={key}",
    "https://thor.robots.ox.ac.uk/~vgg/data/voxceleb/vox1a/{file}",
)
VOXCELEB_ACCESS = Access(
    agreement="ask for a personal key at https://mm.kaist.ac.kr/datasets/voxceleb/ (an institution's e-mail is expected)",
    key_variable="VOXCELEB_KEY",
)


def voxceleb_metadata(file: str) -> tuple[str, ...]:
    """Where a metadata file of VoxCeleb lies, open to all."""
    return (
        f"https://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta/{file}",
        f"https://mm.kaist.ac.kr/datasets/voxceleb/meta/{file}",
    )
