"""A terminal chat room: client, protocol and model. Importing this package loads nothing else."""

__version__ = "0.1.0"
