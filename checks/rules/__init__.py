"""What the rules of a protocol find in the evidence."""
