"""`python -m chatroom_server` and the command `chatroom-server`."""

import sys

from chatroom_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
