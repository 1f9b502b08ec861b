"""A catalogue meets companies: columns, verdicts, similarities, scores and amounts."""
