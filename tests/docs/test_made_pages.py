"""The pages that are made from the code say what the code says."""

import pytest

from docs import make_configuration, make_protocol


def test_the_tables_of_the_protocol_are_those_of_the_code() -> None:
    text = make_protocol.DOCUMENT.read_text(encoding="utf-8")
    assert make_protocol.fill(text) == text, "run: python docs/make_protocol.py"


@pytest.mark.parametrize("name", ["kinds", "errors", "limits"])
def test_the_protocol_has_each_table_once(name: str) -> None:
    text = make_protocol.DOCUMENT.read_text(encoding="utf-8")
    assert text.count(f"<!-- {name} -->\n| ") == text.count(f"|\n<!-- /{name} -->") == 1


def test_a_table_that_is_behind_is_noticed() -> None:
    text = make_protocol.DOCUMENT.read_text(encoding="utf-8")
    assert make_protocol.fill(text.replace("| `internal` |", "| `outernal` |")) == text


def test_the_page_of_settings_is_that_of_the_code() -> None:
    text = make_configuration.DOCUMENT.read_text(encoding="utf-8")
    assert make_configuration.page() == text, "run: python docs/make_configuration.py"


def test_every_setting_is_on_the_page() -> None:
    page = make_configuration.page()
    for key in ("`HOST`", "`PORT`", "`HISTORY_FLUSH_S`", "`FSYNC`", "`NICK`", "`BELL`", "`LOG_CONVERSATION`"):
        assert key in page
