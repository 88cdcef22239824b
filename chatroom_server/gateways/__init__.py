"""Doors for programs that do not speak our protocol; behind each, the same hub."""
