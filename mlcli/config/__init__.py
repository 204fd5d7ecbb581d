"""Schema, composition through Hydra, validation, error messages."""
