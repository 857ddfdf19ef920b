"""What a replay prints."""
