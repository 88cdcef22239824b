"""The full-screen client, in Textual."""
