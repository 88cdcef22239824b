"""Everything that a stranger can grow on the server, and how far: one table.

What one frame, one message or one link may hold stands in `chatroom.protocol.limits`.
"""

from typing import Final

# --- links ----------------------------------------------------------------------
LINKS_MAX: Final = 10_000
"""Links at once (a setting)."""
LINKS_PER_ADDRESS_MAX: Final = 256
"""Links at once from one address that is not this machine (a setting)."""
HANDSHAKES_MAX: Final = 2_048
"""Links at once that have not logged in yet."""
LOGIN_TRIES_MAX: Final = 10
"""Logins that may be refused on one link before it ends."""
OPEN_ROOMS_MAX: Final = 512
"""Rooms open on one link."""
HANDSHAKE_TIMEOUT_S: Final = 10.0
"""From the arrival of a link to its welcome."""

# --- accounts ----------------------------------------------------------------------
USERS_MAX: Final = 100_000
"""Users that the server knows (a setting)."""
NICKS_KEPT: Final = 8
"""Nicks that stay a user's own, the present one included; the oldest is free again."""
MEMBERSHIPS_MAX: Final = 400
"""Rooms that a user may be in, and, counted apart since others begin them too, conversations of two."""
ROOMS_MAX: Final = 10_000
"""Rooms of the server, direct conversations not counted (a setting)."""
ROOMS_PER_USER_MAX: Final = 100
"""Rooms that one user may have created."""
DIRECTS_PER_USER_MAX: Final = 300
"""Direct conversations that one user may have begun."""
GUEST_DIRECTS_MAX: Final = 10_000
"""Conversations with a guest that the server holds at once; those that nobody can come back to make room."""
GUEST_DIRECTS_PER_USER_MAX: Final = 200
"""Direct conversations in which a user may be when a guest begins another: the other places are for users."""
DEVICES_IDLE_DAYS: Final = 1
"""A user with too many devices loses those that were silent longest, when they stored nothing for so long."""
GUEST_DEVICES_MAX: Final = 10_000
"""Devices of guests whose numbers are remembered; the one that was silent longest is forgotten."""
GUESTS_REMEMBERED: Final = 10_000
"""Guests who left and are recognised when they come again; the one that left first is forgotten."""
REMEMBERED_ALL_MAX: Final = 4_000_000
"""Numbers remembered with their contents, over all devices (20 bytes each)."""
REFUSED_HOLD_S: Final = 30.0
"""So long nothing newer of a device is stored than what the disk refused, unless that comes again."""
GUEST_SHARE: Final = 0.1
"""What a guest may send, as a part of what a user may."""

FOREIGN_LOGIN_COST: Final = 5
"""What coming in through a gateway takes of what all foreign links of an address may send together."""
FOREIGN_DEBT_MAX_S: Final = 5.0
"""An address whose foreign links have sent so far ahead of that gets no further link for now."""
FOREIGN_WAIT_MAX_S: Final = 10.0
"""However fast its links send, an address waits no longer than this when they have stopped."""

# --- answers, in bytes ----------------------------------------------------------------------
LIST_BYTES_MAX: Final = 400 * 1024
"""Estimated bytes of rooms in one answer; the rest is a number."""

# --- presence, in seconds ----------------------------------------------------------------------
RETURN_WITHIN_S: Final = 10.0
"""A cut that is shorter goes unsaid."""
GATHER_RETURNS_S: Final = 10.0
"""After the server's start, returns of so long are said together."""
TELL_RETURNS_S: Final = 0.5
"""And until then those of so long are told together as a state."""
CREATE_AGAIN_AFTER_S: Final = 5.0
"""When the log refused the default room, it is offered again after this."""
