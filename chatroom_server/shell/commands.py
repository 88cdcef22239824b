"""What a running server does for `chatroom-server status`, `stop`, `reload` and `invite`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from chatroom_server.shell.control import Handler, Reply, Request, Status
from chatroom_server.shell.identity import replace_invitation
from chatroom_server.shell.invitations import InvitationBook
from chatroom_server.shell.reloading import Reloaded


class Commands:
    """The commands of one server.

    Args:
        stop: Lets the server come to its end; gets the seconds until it is back, 0 for not at all.
        reload: Reads the settings again.
        replaced: Told of a new secret of invitations.
    """

    def __init__(
        self,
        data: Path,
        invitations: InvitationBook,
        *,
        status: Callable[[], Status],
        stop: Callable[[float], None],
        reload: Callable[[], Awaitable[Reloaded]],
        replaced: Callable[[str], None],
    ) -> None:
        self._data, self._invitations = data, invitations
        self._status, self._stop, self._reload, self._replaced = status, stop, reload, replaced

    def handlers(self) -> Mapping[str, Handler]:
        """By name, for the control socket."""
        return {
            "status": self._say_status,
            "stop": self._say_stopping,
            "reload": self._say_reloaded,
            "invite": self._say_invitations,
            "invite-new": self._replace_invitation,
        }

    async def _say_status(self, _request: Request) -> Reply:
        return Reply(status=self._status())

    async def _say_stopping(self, request: Request) -> Reply:
        asyncio.get_running_loop().call_soon(self._stop, request.restart_in_s)
        return Reply(status=self._status())

    async def _say_reloaded(self, _request: Request) -> Reply:
        return Reply(reloaded=await self._reload())

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
