"""Pictures in a tar, read in place: nothing is unpacked, so names inside it lead nowhere."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from unveil.errors import UnveilError
from unveil.photos.decode import decode_rgb
from unveil.photos.folder import SUFFIXES
from unveil.photos.io import MAX_BYTES
from unveil.storage.file_kind import FileKind
from unveil.storage.files import printable
from unveil.storage.tar_file import TarMember, read_tar_member, tar_members
from unveil.typing import Image

TAR = FileKind("folder or tar of pictures", "give a folder, or a tar that is whole and not compressed", 2**44)


def tar_pictures(path: Path) -> list[TarMember]:
    """The pictures of a tar in its order; hidden files are passed over.

    Raises:
        UnveilError: it is missing, no tar, compressed, damaged, or there is no picture in it.
    """
    pictures = [member for member in tar_members(path, TAR) if _is_picture(PurePosixPath(member.name))]
    if not pictures:
        raise UnveilError(f"there is no picture in {printable(path)}; give a tar of JPEG or PNG files")
    return pictures


def _is_picture(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def member_bytes(path: Path, member: TarMember) -> tuple[bytes, str]:
    """The bytes of a picture in a tar and its name for messages; UnveilError where it is too large or not there."""
    name = f"{printable(member.name)} in {printable(path)}"
    if member.size > MAX_BYTES:
        raise UnveilError(f"{name} is larger than {MAX_BYTES // 2**20} MB; leave it out")
    return read_tar_member(path, member, TAR), name


def read_tar_picture(path: Path, member: TarMember) -> Image:
    """A picture in a tar as upright RGB [H, W, 3]; UnveilError where it is damaged or none."""
    return decode_rgb(*member_bytes(path, member))
