"""Learning problems: loss and verbs."""
