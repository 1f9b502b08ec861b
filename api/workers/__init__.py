"""Work in processes of their own: what they import never reaches the serving process."""
