"""The doors to the engine: the HTTP service and the `corridor` command."""
