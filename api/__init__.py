"""api/__init__.py."""
