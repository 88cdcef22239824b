"""What can go wrong for a client, each with a sentence for a person.

ClientError
├── RequestFailed      the server refused a request
├── NotConnected       the request needs a link, and there is none
├── CannotConnect      nobody answers there, or something else does
│   ├── NoChatroom     something else does
│   └── Silent         something does, and says nothing
├── LoginRefused       the server does not let one in
│   └── NotTakenIn     it does not now: it cannot keep anybody new
├── PastReplacedError  what was read is not what the server holds any more
├── ServerKeyChanged   another server answers at a known address
├── UnknownServer      nobody has vouched for this server yet
├── ProfileError       a key or folder cannot be used
├── OutboxError        a message could not be kept on this machine
└── LocalServerError   the server of this machine cannot be started
"""

from chatroom.common.texts import SentenceError, Tellable


class ClientError(SentenceError):
    """Root of everything this package raises; its text is a sentence for a person."""

    def __init__(self, sentence: Tellable | str = "") -> None:
        super().__init__(sentence)


class RequestFailed(ClientError):  # noqa: N818  # reads as what happened
    """The server refused a request.

    Attributes:
        code: A word of `chatroom.protocol.ErrorCode`.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class NotConnected(ClientError):  # noqa: N818
    """The request needs a link, and there is none."""


class CannotConnect(ClientError):  # noqa: N818
    """Nobody answers at the address, or something that is no chatroom server does."""


class NoChatroom(CannotConnect):
    """What answers at the address is no chatroom server."""


class Silent(CannotConnect):
    """What answers at the address says nothing: a server that is stuck, or something else."""


class LoginRefused(ClientError):  # noqa: N818
    """The server does not let one in.

    Attributes:
        code: A word of `chatroom.protocol.ErrorCode`.
    """

    def __init__(self, code: str, sentence: str, mend: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.mend = mend


class NotTakenIn(LoginRefused):
    """The server cannot keep anybody new at present; it may later."""


class NotTheServer(ClientError):  # noqa: N818
    """What answers cannot prove that it holds the key it shows; nothing was sent to it."""


class PastReplacedError(ClientError):
    """An older backup of the server was put back: a place in what was read before means nothing now."""


class ServerKeyChanged(ClientError):  # noqa: N818
    """Another server answers at a known address; nothing was sent to it.

    Attributes:
        known, shown: Both keys, for people to compare.
    """

    def __init__(self, sentence: str, known: str, shown: str, mend: str = "") -> None:
        super().__init__(sentence)
        self.known = known
        self.shown = shown
        self.mend = mend


class UnknownServer(ClientError):  # noqa: N818
    """Nobody has vouched for this server yet."""

    def __init__(self, sentence: str, mend: str = "") -> None:
        super().__init__(sentence)
        self.mend = mend


class ProfileError(ClientError):
    """A key or folder of this machine cannot be used."""


class OutboxError(ClientError):
    """A message could not be kept on this machine, and so was not sent."""


class LocalServerError(ClientError):
    """The server of this machine cannot be found or started."""
