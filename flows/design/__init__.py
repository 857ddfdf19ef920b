"""The command that writes a design."""
