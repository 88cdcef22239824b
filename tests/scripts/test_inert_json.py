"""What scripts print as JSON is inert, and says what it said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.common.inert import inert
from chatroom.scripts.output import inert_json


@given(st.text())
def test_it_says_the_same_and_no_terminal_obeys_it(text: str) -> None:
    document = json.dumps({"body": text}, ensure_ascii=False).encode()
    printed = inert_json(document)
    assert json.loads(printed) == {"body": text}
    assert inert(printed.decode(), newlines=False) == printed.decode()


@pytest.mark.parametrize("text", ["plain", "été à la plage 🏖", "family 👨‍👩‍👧", "नमस्ते"])
def test_what_a_server_has_cleaned_stays_as_it_is(text: str) -> None:
    document = json.dumps({"id": 1, "body": text}, ensure_ascii=False, separators=(",", ":")).encode()
    assert inert_json(document) == document


def test_a_document_over_several_lines_becomes_one() -> None:
    assert inert_json(b'{"id":\n1,\r\n\t"body":"\xc2\x9b31m"}') == b'{"id": 1,   "body":"\\u009b31m"}'
