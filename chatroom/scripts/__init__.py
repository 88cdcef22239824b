"""The commands that people script: send, tail, history, rooms, who, whoami, invite."""
