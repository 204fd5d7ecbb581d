"""The lifecycle of a run: build, train, finish, find, load again."""
