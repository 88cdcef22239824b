"""Sizes and intervals of the wire contract: everything a stranger can grow has its bound here."""

from typing import Final

KIB: Final = 1024

PROTOCOL_NAME: Final = "chatroom"
VERSION_MIN: Final = 1
VERSION_MAX: Final = 1

# --- frames, in bytes of body ---------------------------------------------------------------
FRAME_UNKNOWN_MAX: Final = 64 * KIB
"""A kind this version does not know is skipped up to this length."""
FRAME_HANDSHAKE_MAX: Final = 1 * KIB
FRAME_LOGIN_MAX: Final = 4 * KIB
FRAME_REQUEST_MAX: Final = 2 * KIB
FRAME_LINE_MAX: Final = 200 * KIB
"""A message of 64 KiB whose JSON a foreign client wrote in `\\uXXXX` escapes is three times as long."""
FRAME_PAGE_MAX: Final = 1024 * KIB
FRAME_REPLY_MAX: Final = 512 * KIB

# --- what people write -----------------------------------------------------------------------
MESSAGE_MAX: Final = 64 * KIB
"""Bytes of UTF-8 in the body of one message."""
GRID_MAX: Final = 32 * KIB
"""Bytes of base64 in the grid of one picture."""
TOPIC_MAX: Final = 400
"""Bytes of UTF-8 in the topic of a room."""

# --- requests --------------------------------------------------------------------------------
IN_FLIGHT_MAX: Final = 256
"""Messages of one device that may wait for their storing."""
REMEMBERED_NUMBERS: Final = 1024
"""Numbers of a device whose contents the server can still compare."""
REQUESTS_MAX: Final = 16
"""Requests of one link that may wait for their answer."""
DEVICES_PER_LINK_MAX: Final = 16
DEVICES_PER_USER_MAX: Final = 256
PAGE_LINES_MAX: Final = 512
PAGE_BYTES_MAX: Final = 256 * KIB
PEOPLE_MAX: Final = 500
"""People named in one answer; the rest is a number."""
ROOMS_LISTED_MAX: Final = 1000

# --- times, in seconds -----------------------------------------------------------------------
HANDSHAKE_TIMEOUT_S: Final = 10.0
"""From the connection to the end of the login."""
PING_AFTER_S: Final = 10.0
"""A link that has brought nothing for so long is asked whether it lives."""
DEAD_AFTER_S: Final = 25.0
"""A link that has brought nothing for so long is taken for cut."""
