"""The page of figures is what its script makes of the committed run."""

from benchmarks.suite.results import QUIET
from docs import make_performance
from tests.benchmarks.test_suite import report


def test_the_figures_are_those_of_the_committed_run() -> None:
    text = make_performance.DOCUMENT.read_text(encoding="utf-8")
    assert make_performance.fill(text, make_performance.committed()) == text, (
        "run: python docs/make_performance.py"
    )


def test_there_is_a_picture_when_there_are_figures() -> None:
    assert make_performance.PICTURE.exists() == QUIET.exists()


def test_the_page_has_one_place_for_figures() -> None:
    text = make_performance.DOCUMENT.read_text(encoding="utf-8")
    assert text.count("<!-- figures -->\n") == text.count("\n<!-- /figures -->") == 1


def test_figures_are_filled_in_and_replaced() -> None:
    page = "above\n<!-- figures -->\nold\n<!-- /figures -->\nbelow\n"
    filled = make_performance.fill(page, report())
    assert "| 1 x 10 | chatroom | 5,000 | 20,000 | 10.0 x |" in filled
    assert "| idle | memory | 2.00 KB | 6.00 KB |" in filled
    assert "old" not in filled
    assert filled.startswith("above\n")
    assert filled.endswith("\nbelow\n")
    assert make_performance.fill(filled, report()) == filled
