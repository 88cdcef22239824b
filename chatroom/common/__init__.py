"""What client and server share beside the wire: inert text, names, settings' syntax, sentences. Pure."""
