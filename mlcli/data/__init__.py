"""Data sets, one file per `data=NAME`."""
