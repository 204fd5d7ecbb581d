"""The lifecycle of a run: build, train, finish, load, evaluate, trust."""
