"""Learning problems, one per file; sub-packages hold shared parts."""
