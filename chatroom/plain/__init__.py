"""The line client: everything the full screen can, one line an event."""
