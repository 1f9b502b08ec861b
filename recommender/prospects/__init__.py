"""The companies of a population to call about one product, and what to say to each."""
