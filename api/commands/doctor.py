"""`corridor doctor`: a deployment part by part, with what to mend."""
