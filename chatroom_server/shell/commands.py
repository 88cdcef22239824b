"""What a running server does for `chatroom-server status`, `stop` and `invite`."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from chatroom_server.shell.control import Handler, Reply, Request, Status
from chatroom_server.shell.identity import replace_invitation
from chatroom_server.shell.invitations import InvitationBook


class Commands:
    """The commands of one server.

    Args:
        stop: Lets the server come to its end.
        replaced: Told of a new secret of invitations.
    """

    def __init__(
        self,
        data: Path,
        invitations: InvitationBook,
        *,
        status: Callable[[], Status],
        stop: Callable[[], None],
        replaced: Callable[[str], None],
    ) -> None:
        self._data, self._invitations = data, invitations
        self._status, self._stop, self._replaced = status, stop, replaced

    def handlers(self) -> Mapping[str, Handler]:
        """By name, for the control socket."""
        return {
            "status": self._say_status,
            "stop": self._say_stopping,
            "invite": self._say_invitations,
            "invite-new": self._replace_invitation,
        }

    async def _say_status(self, _request: Request) -> Reply:
        return Reply(status=self._status())

    async def _say_stopping(self, _request: Request) -> Reply:
        asyncio.get_running_loop().call_soon(self._stop)
        return Reply(status=self._status())

    async def _say_invitations(self, request: Request) -> Reply:
        answer = self._invitations.answer(request.room)
        return Reply(invitations=answer.invitations, help=answer.help)

    async def _replace_invitation(self, request: Request) -> Reply:
        try:
            secret = await asyncio.to_thread(replace_invitation, self._data)
        except OSError as error:
            return Reply(error=f"the new secret cannot be written: {error.strerror}")
        self._replaced(secret)
        return await self._say_invitations(request)
