"""Parts of networks in NumPy, for reading: a few lines each, tested against torch. Models for training are in
`mlcli.model`."""
