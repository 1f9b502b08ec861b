"""What is said of a match: reasons, what would change it, papers and sources, the order shown."""
