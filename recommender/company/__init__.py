"""The company: its profile, every figure computed from it, and the fields rules may ask."""
