"""The record: what the service was told and what it answered, in SQLite or PostgreSQL."""
