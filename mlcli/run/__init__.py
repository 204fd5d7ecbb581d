"""The lifecycle of a run: build, train, finish, load (within limits of trust), evaluate."""
