"""What an operator decides about the plain-text door, and what it knows of the server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatroom.common.texts import Texts
from chatroom.protocol.limits import MESSAGE_MAX

LINE_MAX: Final = MESSAGE_MAX
"""Bytes of one line, without its end."""
IN_FLIGHT_MAX: Final = 64
"""Messages of one link that wait for their storing; what comes behind them is read later."""
SILENCE_S: Final = 0.1
"""On a link that never sent the end of a line, what has arrived is a line after so long without more."""
FIRST_LINES: Final = 3
"""Among so many lines, one that is a header of HTTP ends the link: a web page speaks."""
LINES_A_STEP: Final = 64
"""Lines that are taken from one link before it is the turn of others."""
FREE_BURST: Final = 100
"""Lines of one link that come to nothing the hub could charge for: so many at once, ..."""
FREE_RATE: Final = 10
"""... and so many in a second after that. Who sends more of them is read more slowly."""
LOGGED_MAX: Final = 1000
"""Characters of a line that are logged."""
LINGER_S: Final = 5.0
"""How long a client that sends nothing more is still told what its lines came to."""
HEADERS_S: Final = 2.0
"""How long the rest of an HTTP request is waited for."""
FIRST_LINE_S: Final = 600.0
"""How long a person may think before the first line."""


@dataclass(frozen=True, slots=True)
class TextSettings:
    """What all links of the door share.

    Attributes:
        texts: The language of help and of what went wrong. What the course words itself stays French.
        clock: The server's time (ms since 1970, UTC) as `hh:mm`.
        history: How many messages a newcomer is shown, 0 to 512.
        port: Where clients of our own protocol are served, for those who knock here.
    """

    texts: Texts
    clock: Callable[[int], str]
    history: int = 20
    port: int = 0
