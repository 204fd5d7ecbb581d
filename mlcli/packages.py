"""Hints at optional packages. They name the packages themselves: `mlcli` is in no registry, where a stranger could
publish a package of that name. Imports nothing."""


def needs(what: str, *packages: str, options: str = "") -> str:
    """What lacks these packages, and the command that installs them."""
    names = [package.partition("==")[0] for package in packages]
    arguments = " ".join([options, *packages]).strip()
    return f"{what} needs {' and '.join(names)}: run pip install {arguments}"
