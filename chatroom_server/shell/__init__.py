"""Everything of the server that touches the world: sockets, timers, signals, keys, logs."""
