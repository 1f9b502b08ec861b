"""Running the service: request ids, logs, metrics, limits, and whether it can answer."""
