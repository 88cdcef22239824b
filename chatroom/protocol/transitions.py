"""The table of legal moves: which state of a link accepts which frame from which end.

A link begins in OPENED. The client speaks first: its hello leads to GREETING. The server's hello leads to
GREETED, the client's login to ENTERING, and the server's welcome to ONLINE, where all other frames live. A
login that is refused without ending the link (a nick that is taken) leads back to GREETED, to be tried
again. From every state either end may close.
"""

from enum import Enum
from typing import Final

from chatroom.protocol.frames import (
    Bye,
    Failed,
    Frame,
    Goodbye,
    Hello,
    Line,
    Login,
    Ping,
    Pong,
    ServerHello,
    Welcome,
)


class State(Enum):
    """Where a link stands between its first byte and its end."""

    OPENED = "opened"
    GREETING = "greeting"
    GREETED = "greeted"
    ENTERING = "entering"
    ONLINE = "online"
    CLOSED = "closed"


TRANSITIONS: Final[dict[tuple[State, type[Frame] | type[Line]], State]] = {
    (State.OPENED, Hello): State.GREETING,
    (State.GREETING, ServerHello): State.GREETED,
    (State.GREETED, Login): State.ENTERING,
    (State.ENTERING, Welcome): State.ONLINE,
    (State.ENTERING, Failed): State.GREETED,
}
"""Moves of the handshake; everything else keeps its state where it is legal at all."""

ALWAYS: Final[frozenset[type]] = frozenset({Failed, Goodbye, Ping, Pong, Bye})
"""Legal in every state but CLOSED, from the end that may send them."""


HANDSHAKE: Final[frozenset[type]] = frozenset({Hello, Login, ServerHello, Welcome})
"""Legal only where `TRANSITIONS` has them; all others are at home in ONLINE, and change no state there."""


def next_state(state: State, frame: type[Frame] | type[Line]) -> State | None:
    """The state after a frame, or None where the frame has no place."""
    move = TRANSITIONS.get((state, frame))
    if move is not None:
        return move
    if state is State.CLOSED:
        return None
    if frame in ALWAYS:
        return state
    return state if state is State.ONLINE and frame not in HANDSHAKE else None
