"""Learning problems, one per file; sub-packages hold what several share and the parts of larger ones."""
