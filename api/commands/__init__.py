"""The command line: one module for each command, their arguments, and what they print."""
