"""The pure centre of the server: inputs in, effects out."""
