"""A chat client without a screen: connect to a server, read what happens, say things."""
