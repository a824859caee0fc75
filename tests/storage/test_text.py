"""Text and JSON of users: whatever is wrong is one line that names the file."""

import sys
from pathlib import Path

import pytest

from unveil.errors import UnveilError
from unveil.storage.file_kind import FileKind
from unveil.storage.text import read_bytes, read_json, read_text

KIND = FileKind("settings of ours", "write them again", 2**20)


def test_json_comes_back_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    text = '{"a": [1, -2.5, null, true, "\\ud800 ä"], "b": {"a": 1e300}}'
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.json").write_text(text, encoding)
        assert read_json(tmp_path / "a.json", KIND) == {"a": [1, -2.5, None, True, "\ud800 ä"], "b": {"a": 1e300}}
        assert read_text(tmp_path / "a.json", KIND, "JSON") == text


FAULTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "blank": (b" \n", "Expecting value"),
    "cut": (b'{"a": [1, 2', "Expecting"),
    "text": (b"hello", "Expecting value"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "deep objects": (b'{"a":' * 100_000, "nested too deeply"),
    "long number": (b"[" + b"1" * 5000 + b"]", "no usable number"),
    "not a number": (b"[NaN]", "it has NaN"),
    "infinite": (b"[-Infinity]", "it has -Infinity"),
    "too large": (b"[1e999]", "it has 1e999"),
    "twice": (b'{"a": 1, "b": 2, "a": 3}', "it names 'a' twice"),
    "UTF-16": ("[1]".encode("utf-16"), "UTF-16 text: save it as UTF-8"),
    "no UTF-8": (b'["\xff\xff"]', "it is no UTF-8 text"),
    "page": (b"\n<html><body>Log in</body></html>", "a saved web page"),
    "zip": (b"PK\x03\x04" + bytes(30), "a zip file"),
    "long": (b"[" + b"1," * 2**19 + b"1]", "more than 1 MB"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_such_json_is_one_line(fault: str, tmp_path: Path) -> None:
    data, reason = FAULTS[fault]
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(UnveilError) as raised:
        read_json(tmp_path / "a.json", KIND)
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / 'a.json'} is no settings of ours (")
    assert reason in message
    assert "\n" not in message
    assert message.endswith("; write them again")


def test_a_number_of_one_name_takes_no_time(tmp_path: Path) -> None:
    names = ",".join(f'"{k}": 0' for k in range(50_000))
    (tmp_path / "a.json").write_text(f'{{{names}, "49999": 1}}')
    with pytest.raises(UnveilError, match="names '49999' twice"):
        read_json(tmp_path / "a.json", KIND)


def test_text_and_bytes_are_of_regular_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\xfea\0")
    with pytest.raises(UnveilError, match="UTF-16"):
        read_text(tmp_path / "a.txt", KIND)
    assert read_bytes(tmp_path / "a.txt", KIND) == b"\xff\xfea\0"
    for path, reason in {tmp_path: "a folder", Path("/dev/zero"): "no regular file"}.items():
        for read in (read_text, read_bytes, read_json):
            with pytest.raises(UnveilError, match=reason):
                read(path, KIND)


@pytest.mark.skipif(sys.platform != "linux", reason="links to themselves, and the memory of a process as a file")
def test_what_the_system_does_not_give_is_said_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UnveilError, match=r"loop cannot be read: Too many levels of symbolic links; check the path"):
        read_json(tmp_path / "loop", KIND)
    with pytest.raises(UnveilError, match=r"mem cannot be read: Input/output error; check the path and its disk"):
        read_bytes("/proc/self/mem", KIND)
    with pytest.raises(UnveilError, match=r"mem cannot be read: Input/output error; check"), KIND.checking("mem"):
        Path("/proc/self/mem").read_bytes()
    with pytest.raises(UnveilError, match=r"a is no settings of ours \(no picture\)"), KIND.checking("a"):
        raise OSError("no picture")
