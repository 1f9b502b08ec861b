"""api/routes/__init__.py."""
