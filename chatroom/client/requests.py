"""What one asks of the server, and the answers: each question has a number that its answer repeats."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from chatroom.client.errors import NotConnected, RequestFailed
from chatroom.client.link import Link, LinkCut
from chatroom.client.sentences import explain
from chatroom.common.texts import Texts
from chatroom.protocol import LocalProtocolError
from chatroom.protocol.frames import AnyFrame, Failed, Refusal
from chatroom.protocol.limits import REQUESTS_MAX

F = TypeVar("F", bound=AnyFrame)
_AT_ONCE: Final = REQUESTS_MAX
_BAD_ANSWER: Final = "bad-frame"


class Requests:
    """Questions of one session that wait for their answers, at most 16 at once; the others queue."""

    def __init__(self, texts: Texts, wording: Mapping[str, str] | None = None) -> None:
        self._texts = texts
        self._wording = wording
        self._link: Link | None = None
        self._waiting: dict[int, asyncio.Future[AnyFrame]] = {}
        self._rid = 0
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, question: Callable[[int], AnyFrame], answer: type[F]) -> F:
        """Send a question, made with its number, and return the answer.

        Raises:
            RequestFailed: The server said no.
            NotConnected: There is no link, or it was cut before the answer came.
        """
        async with self._places:
            if self._link is None:
                raise self._not_connected()
            self._rid += 1
            rid, waiting = self._rid, asyncio.get_running_loop().create_future()
            self._waiting[rid] = waiting
            try:
                self._link.send(question(rid))
                found = await waiting
            except LinkCut as error:
                raise self._not_connected() from error
            except LocalProtocolError as error:
                raise RequestFailed(_BAD_ANSWER, self._texts._("that is too long to be asked")) from error
            finally:
                self._waiting.pop(rid, None)
        if not isinstance(found, answer):
            raise RequestFailed(_BAD_ANSWER, self._texts._("the server sent what cannot be read"))
        return found

    def tell(self, frame: AnyFrame) -> None:
        """Send what needs no answer, where there is a link."""
        if self._link is not None:
            with contextlib.suppress(LinkCut):
                self._link.send(frame)

    def online(self, link: Link) -> None:
        """Questions go to this link from now on."""
        self._link = link

    def offline(self) -> None:
        """Let all that wait know that no answer will come."""
        self._link = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self._not_connected())

    def answer(self, rid: int, frame: AnyFrame) -> bool:
        """Hand over an answer; False when nobody asked (any more)."""
        waiting = self._waiting.get(rid)
        if waiting is None or waiting.done():
            return False
        if isinstance(frame, Failed):
            waiting.set_exception(RequestFailed(frame.code, self.explain(frame)))
        else:
            waiting.set_result(frame)
        return True

    def explain(self, frame: Failed | Refusal) -> str:
        """Why the server says no, in the wording of this session."""
        return explain(self._texts, frame.code, frame.text, frame.args, self._wording)

    def _not_connected(self) -> NotConnected:
        return NotConnected(self._texts._("You are not connected to the server just now."))
