"""A load generator of plain sockets that shares no code with what it measures: it knows docs/protocol.md.

    python -m benchmarks.load --port 9999 [--rooms 1] [--members 100] [--window 64 | --rate 100] [--seconds 2]

See benchmarks/README.md.
"""
