"""Many companies packed into mapped columns: built, changed, read in place, answered for."""
