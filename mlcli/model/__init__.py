"""Networks, their layers, and estimators."""
