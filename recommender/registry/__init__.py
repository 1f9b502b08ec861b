"""Models and catalogues by version: which serves, who decided it, and what a change changes."""
