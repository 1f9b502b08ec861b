"""The operations: each reads its request, makes one call of the engine and writes the answer."""
