"""recommender/learning/__init__.py."""
