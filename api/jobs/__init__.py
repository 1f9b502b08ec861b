"""Jobs: what they are, who runs them, and the work itself, which only worker processes import."""
