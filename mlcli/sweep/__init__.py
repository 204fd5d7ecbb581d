"""The trials of a sweep: groups, launchers, report, cross-validation."""
