"""The chat room's server. Importing this package loads nothing else."""
