"""`chatroom-server verify`, `backup` and `export`: what an operator does with a data folder."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Final

from chatroom.common.texts import Texts
from chatroom_server.backups import back_up
from chatroom_server.verifying import verify

_TOOLS: Final[Mapping[str, Callable[[Namespace, Texts], int]]] = {
    "verify": verify,
    "backup": back_up,
}


def run_tool(options: Namespace, texts: Texts) -> int:
    """Do what the command line asks. Blocks.

    Returns:
        The exit status.

    Raises:
        ToolError: It could not be done.
    """
    try:
        status = _TOOLS[options.command](options, texts)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
