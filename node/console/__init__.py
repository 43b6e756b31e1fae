"""What every command line shares, and the only places that print or ask."""
