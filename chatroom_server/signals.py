"""What signals mean to a server that runs, and how long its end may take.

SIGTERM ends it as for a restart, SIGINT (Ctrl-C) for good, and SIGHUP has it read its settings again. Its end
stores and delivers what was said. Should that take too long, or a second signal come, the process ends at
once: what is stored is safe in the journal, as after a crash.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

from chatroom.common.texts import Texts
from chatroom_server.shell.logs import OperatorLog
from chatroom_server.shell.server import Server

END_S: Final = 8.0
"""How long the end of a server may take; supervisors wait 10 s or more before they kill."""
_FAILED: Final = 1


class Signals:
    """The signals of one server, listened to from here on.

    Args:
        leave: Ends the process with a status.
    """

    def __init__(
        self, server: Server, logs: OperatorLog, texts: Texts, leave: Callable[[int], object] = os._exit
    ) -> None:
        self._server, self._logs, self._texts, self._leave = server, logs, texts, leave
        self._has_terminal = sys.stderr.isatty()
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGTERM, self._terminate)
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)
        self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def watch_end(self) -> None:
        """The server ends: see to it that this does not take for ever."""
        sentence = self._texts._("the server has not ended in {seconds} s; what is stored is safe")
        self._loop.call_later(END_S, self._end_now, sentence.format(seconds=round(END_S)))

    def _terminate(self) -> None:
        self._stop(self._server.settings.restart_s)

    def _interrupt(self) -> None:
        self._stop(0.0)

    def _stop(self, back_in_s: float) -> None:
        if self._server.is_stopping:
            self._end_now(self._texts._("a second signal ends the server at once; what is stored is safe"))
        else:
            self._server.stop(back_in_s)

    def _hang_up(self) -> None:
        if self._has_terminal and not sys.stderr.isatty():  # whoever started it there has closed the window
            self._stop(0.0)
        else:
            self._server.reload_soon()

    def _end_now(self, sentence: str) -> None:
        self._logs.problem(sentence)
        self._logs.close()
        self._leave(_FAILED)
