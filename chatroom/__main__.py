"""The `chatroom` command."""

import gc
import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    gc.disable()  # while modules load nothing is garbage: looking for it costs a tenth of the start
    from chatroom.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
