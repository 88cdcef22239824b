"""One plain-text link, without a socket: bytes and the hub's frames in; frames for the hub and text out.

A link begins KNOCKING: nobody knows it but the door. Its first line tells what it is. A request of HTTP is
answered (ASKED) and is OVER; everybody else is INSIDE as a guest of the hub, from the first line on.

What waits for the link is a queue of frames, as for every link: the rooms' bytes are shared by all of them.
So what the door itself has to say stands there as a frame too, of a kind that no wire knows, and all of it
becomes text when it is written.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from chatroom.protocol import codec
from chatroom.protocol.errors import RemoteProtocolError
from chatroom.protocol.frames import AnyFrame, Goodbye
from chatroom_server.core.rates import Bucket
from chatroom_server.gateways.text import answers, speech
from chatroom_server.gateways.text.guest import Guest
from chatroom_server.gateways.text.lines import LineReader, LineTooLong
from chatroom_server.gateways.text.settings import (
    FIRST_LINES,
    FREE_BURST,
    FREE_RATE,
    HEADERS_S,
    LINE_MAX,
    LINES_A_STEP,
    LINGER_S,
    LOGGED_MAX,
    TextSettings,
)

READ_AHEAD: Final = 2 * LINE_MAX
"""Bytes of lines that wait, beyond which nothing more should be read; a line without its end is shorter."""
_OWN_KIND: Final = 0
_BROWSER: Final = "user-agent: mozilla/"
_HEADERS_MAX: Final = 200


class _Phase(Enum):
    KNOCKING = auto()
    ASKED = auto()
    INSIDE = auto()
    OVER = auto()


class TextConnection:
    """The state machine of a link.

    Args:
        peer: Where the client is, (host, port).
        here: Where it found the door.
        heard: Told of each line, and whether it is a message of somebody who has no nick.
    """

    def __init__(
        self,
        peer: tuple[str, int],
        here: tuple[str, int],
        settings: TextSettings,
        heard: Callable[[str, bool], None],
    ) -> None:
        self._peer, self._here = peer, here
        self._settings = settings
        self._heard = heard
        self._phase = _Phase.KNOCKING
        self._lines = LineReader(self._is_unfinished)
        self._taken = 0
        self._guest = Guest(settings)
        self._next: speech.Speech | None = None
        self._line = ""
        self._until: float | None = None
        self._free = Bucket(FREE_BURST, FREE_RATE, FREE_BURST, 0.0)
        self._held_until = 0.0
        self._headers = 0
        self._is_browser = False
        self._output: list[str] = []

    # --- what the peer sends -----------------------------------------------------------------------
    def feed(self, chunk: bytes, now: float) -> None:
        """Take bytes as they were read; `step` makes something of them."""
        self._lines.feed(chunk, now)

    def finish(self, now: float) -> None:
        """The peer sends nothing more. What it has sent is still said."""
        self._lines.finish()
        self._linger(now)

    @property
    def is_full(self) -> bool:
        """So much waits that no more should be read."""
        return self._lines.pending > READ_AHEAD

    @property
    def is_over(self) -> bool:
        """The link can be ended when its output is written."""
        return self._phase is _Phase.OVER

    @property
    def has_work(self) -> bool:
        """`step` has something to do now: it is never called in vain."""
        guest = self._guest
        if self._phase is _Phase.OVER:
            return False
        if guest.asks or guest.has_left:
            return True
        if guest.is_busy or self._held_until:
            return False
        if self._next is not None:
            return not self._has_to_wait(self._next)
        return self._lines.has_line or (self._lines.is_over and guest.is_idle)

    @property
    def has_unheard(self) -> bool:
        """Something that was sent is not said yet, and may be in a little while."""
        if self._phase is _Phase.OVER:
            return False
        lines = self._lines
        return bool(self._next or lines.has_line or lines.due is not None or self._guest.awaits)

    @property
    def ends_at(self) -> float | None:
        """When the link ends, whatever else waits; monotonic seconds."""
        return self._until

    @property
    def due(self) -> float | None:
        """When `step` has something to do although nothing more comes; monotonic seconds."""
        times = [self._until] if self._until is not None else []
        due = self._held_until if self._lines.has_line or self._next is not None else self._lines.due
        if due and not self._guest.is_busy:
            times.append(max(due, self._held_until))
        return min(times, default=None)

    def step(self, now: float, *, hears: bool = True) -> list[AnyFrame]:
        """Look at lines, a few, as far as the answers to earlier ones are there.

        Args:
            hears: Lines are looked at; else only what the hub and the time have brought.

        Returns:
            What the hub has to be asked, in this order. The first of it comes once the link is inside.
        """
        if now >= self._held_until:
            self._held_until = 0.0
        for _line in range(LINES_A_STEP if hears else 0):
            if not (self._may_go_on() and self._take_next(now)):
                break
        self._end_if_done(now)
        self._output += self._guest.says
        self._guest.says = []
        asks, self._guest.asks = self._guest.asks, []
        return asks

    def _may_go_on(self) -> bool:
        guest = self._guest
        is_held = bool(self._held_until) or guest.is_busy
        return self._phase is not _Phase.OVER and not guest.has_left and not is_held

    def _take_next(self, now: float) -> bool:
        """Do what one line says; False when there is none, or when it has to wait."""
        asked = len(self._guest.asks)
        if self._next is None:
            line = self._lines.next(now)
            if line is None:
                return False
            self._take(line, now)
        if self._next is not None:
            if self._has_to_wait(self._next):
                return False
            said, self._next = self._next, None
            self._guest.take(said)
        if len(self._guest.asks) == asked:
            self._charge(now)
        return True

    def _has_to_wait(self, said: speech.Speech) -> bool:
        """What was said before somebody leaves is heard before."""
        return self._guest.is_busy or (isinstance(said, speech.Quit) and not self._guest.is_idle)

    def _charge(self, now: float) -> None:
        """Count a line that the hub hears nothing of; a request of HTTP has bounds of its own."""
        if self._phase in (_Phase.KNOCKING, _Phase.INSIDE) and (wait_s := self._free.take(1, now)):
            self._held_until = now + wait_s

    def _take(self, line: str | LineTooLong, now: float) -> None:
        if isinstance(line, LineTooLong):
            self._take_too_long(line)
        elif self._phase is _Phase.ASKED:
            self._take_header(line)
        elif line.strip():
            self._take_line(line, now)

    def _take_too_long(self, line: LineTooLong) -> None:
        if self._phase is _Phase.ASKED:
            return
        sentence = self._settings.texts._("the line is too long: at most {max} bytes are allowed")
        self._say(f"! {sentence.format(max=LINE_MAX)}")
        if self._phase is _Phase.KNOCKING and speech.may_be_request(line.start):
            self._phase = _Phase.OVER  # nothing that stands behind it may be said

    def _is_unfinished(self, start: bytes) -> bool:
        return self._phase is _Phase.KNOCKING and speech.may_become_request(start.decode("utf-8", "replace"))

    def _take_line(self, line: str, now: float) -> None:
        self._taken += 1
        if 1 < self._taken <= FIRST_LINES and speech.is_header(line):
            self._phase = _Phase.OVER
            return
        is_first = self._phase is _Phase.KNOCKING
        said = speech.read_first(line) if is_first else speech.read(line)
        self._heard(
            speech.for_log(line, said)[:LOGGED_MAX], self._guest.is_nameless and isinstance(said, speech.Say)
        )
        if is_first:
            self._take_first(said, line, now)
        else:
            self._next, self._line = said, line

    def _take_first(self, first: speech.Speech, line: str, now: float) -> None:
        match first:
            case speech.HttpRequest():
                self._phase, self._until = _Phase.ASKED, now + HEADERS_S
            case speech.Stranger():
                sentence = self._settings.texts._(
                    "this port is for plain text; chatroom itself is at port {port}"
                )
                self._say(f"! {sentence.format(port=self._settings.port)}")
                self._phase = _Phase.OVER
            case speech.Quit():
                self._phase = _Phase.OVER
            case speech.LogIn(nick):
                self._go_in(nick)
            case speech.Knock():
                self._say(f"Hello {_at(self._peer)}")
                self._go_in("")
            case _:
                self._next, self._line = first, line
                self._go_in("")

    def _go_in(self, nick: str) -> None:
        self._phase = _Phase.INSIDE
        self._guest.log_in(nick)

    def _linger(self, now: float) -> None:
        """Once all that was sent is taken, or somebody wants to go, wait a little for what it comes to."""
        is_last = self._lines.is_over and self._next is None
        if self._until is None and (is_last or isinstance(self._next, speech.Quit)):
            self._until = now + LINGER_S

    def _end_if_done(self, now: float) -> None:
        self._linger(now)
        is_late = self._until is not None and now >= self._until
        if self._phase is _Phase.ASKED and (is_late or self._lines.is_over):
            self._answer_request()
        elif self._phase is _Phase.KNOCKING and self._lines.is_over:
            self._phase = _Phase.OVER
        elif self._phase is _Phase.INSIDE:
            if is_late and isinstance(self._next, speech.Quit):
                self._guest.take(self._next)
            is_done = self._lines.is_over and self._next is None and self._guest.is_idle
            if is_done or is_late or self._guest.has_left:
                self._phase = _Phase.OVER

    # --- requests of HTTP --------------------------------------------------------------------------
    def _take_header(self, line: str) -> None:
        self._headers += 1
        self._is_browser = self._is_browser or line.lower().startswith(_BROWSER)
        if not line or self._headers > _HEADERS_MAX:
            self._answer_request()

    def _answer_request(self) -> None:
        """Greet; with a status line and headers only where a browser would show nothing without them."""
        how = self._settings.texts._(
            "This is a chat room. Come in from a terminal: nc {host} {port}\n"
            "then write Hello|<nick>, and after it a line for each message. /help shows more."
        )
        host, port = self._here
        body = f"Hello World!\n{how.format(host=host, port=port)}\n"
        if self._is_browser:
            size = len(body.encode())
            head = ["HTTP/1.1 200 OK", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {size}"]
            body = "\r\n".join([*head, "Connection: close", "", body])
        self._say(body.removesuffix("\n"))
        self._phase = _Phase.OVER

    # --- what the peer is told ---------------------------------------------------------------------
    def _say(self, text: str) -> None:
        self._output.append(text)

    def take_output(self) -> bytes:
        """What the door has to say, as frames for the link's queue."""
        if not self._output:
            return b""
        text = "".join(f"{line}\n" for line in self._output).encode()
        self._output.clear()
        return bytes([_OWN_KIND]) + codec.encode_length(len(text)) + text

    def read(self, data: bytes) -> bytes:
        """Make text of whole frames: the hub's, and those of `take_output`."""
        pieces: list[bytes] = []
        offset = 0
        while (header := codec.decode_length(data, offset + 1)) is not None:
            length, start = header
            body = data[start : start + length]
            pieces.append(body if data[offset] == _OWN_KIND else self._translated(data[offset], body))
            offset = start + length
        return b"".join(pieces)

    def _translated(self, kind: int, body: bytes) -> bytes:
        guest = self._guest
        said, guest.says = guest.says, []
        try:
            frame = codec.decode_body(kind, body)
            if isinstance(frame, Goodbye):
                guest.says += self._give_up()
            guest.receive(frame)
        except RemoteProtocolError:  # a line in a room file that somebody changed by hand
            return b""
        said, guest.says = guest.says, said
        return "".join(f"{line}\n" for line in said).encode("utf-8", "replace")

    def _give_up(self) -> list[str]:
        """Take nothing more; says what was sent and not taken."""
        lines = ([self._line] if self._next is not None else []) + self._lines.take_rest()
        self._next = None
        return [answers.untaken(self._settings.texts, lines)] if lines else []


def _at(peer: tuple[str, int]) -> str:
    host, port = peer
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
