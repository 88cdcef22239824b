"""The identifiers that travel on the wire, as types of their own so that none passes for another."""

from typing import NewType

RoomId = NewType("RoomId", str)
"""The name a room was created with, NFC and casefolded: its id for ever."""

UserId = NewType("UserId", str)
"""16 characters of base32, lower case: the start of SHA-256 of the public key."""

DeviceId = NewType("DeviceId", str)
"""A random word that names one sending program of a user; unique among the user's devices."""

MessageId = NewType("MessageId", int)
"""The number of a line in its room: 1, 2, 3, … without a hole."""

Epoch = NewType("Epoch", str)
"""An opaque word that changes when the past of a log was replaced."""
