"""Which question to ask next, and what each possible answer would do."""
