"""What a client knows of rooms, people and their past. Pure."""
