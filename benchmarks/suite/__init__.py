"""All measurements in one run: `make bench`, or `python -m benchmarks.suite`; see benchmarks/README.md."""
