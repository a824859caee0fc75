"""How programs end on a user's mistake."""

import pytest

from unveil.errors import UnveilError, one_line_errors, reason_of


def test_a_mistake_ends_a_program_with_one_line_and_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, one_line_errors():
        raise UnveilError("no such photograph; check the path")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "no such photograph; check the path\n"


def test_other_errors_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), one_line_errors():
        raise ZeroDivisionError


def test_of_a_decoder_only_the_reason_is_said() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"caf\xe9".decode()
    assert reason_of(caught.value) == "it is no UTF-8 text"
