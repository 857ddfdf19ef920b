"""What all pages share: words, the lines of a terminal, and how templates become bytes."""
