"""What the tests of the core begin with."""

import pytest

from tests.server.core.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
