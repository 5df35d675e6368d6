"""What the command line shows: progress on stderr, results on stdout. Nothing is decided here."""
