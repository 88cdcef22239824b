"""A running server, and people around it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.world import Person, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server on a free port, without limits on how fast one may send."""
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.conf").write_text("BURST=0\nRATE=0\nHISTORY_FLUSH_S=0.2\n")
    server = Server(folder, "--config", str(folder / "server.conf")).start()
    yield server
    server.kill()


@pytest.fixture
def person(server: Server, tmp_path: Path) -> Callable[..., Person]:
    """Makes people at the server: `person("it4", lang="fr")`."""

    def make(nick: str, lang: str = "en") -> Person:
        return Person(tmp_path / f"home-{nick.encode().hex()[:16]}", server, nick, lang)

    return make
