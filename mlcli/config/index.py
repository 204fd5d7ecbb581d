"""Index of the config folders: groups, options and keys, with the standard library's `os` only.

Completion has to be faster than importing a YAML reader, so `yaml_lines` parses the subset of YAML that configs use
(nested maps, lists, comments, defaults lists). A test compares it with Hydra's loader on every shipped file.
"""

import os

from mlcli.config.yaml_lines import Document, read

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  # pathlib takes 14 ms

# Groups that Hydra and mlcli's plugins define in code, with their options; a test compares them with Hydra.
HYDRA_GROUPS = {
    "hydra/hydra_logging": ("default", "disabled", "hydra_debug", "none"),
    "hydra/job_logging": ("default", "disabled", "none", "stdout"),
    "hydra/launcher": ("auto", "basic", "processes", "serial", "stack"),
    "hydra/sweeper": ("basic", "grid"),
}

MOST_BASES = 20  # options that are based on each other; more are circular
MOST_CHOICES = 1000  # more result only from a circular defaults list
AUTO = ("auto", "classification", "regression")  # task=auto, and what it becomes

Folders = tuple[str, ...]
Choices = dict[str, str]  # group or group@package → the chosen option ("" for none)


def shipped_conf() -> str:
    """The folder of configs: inside the package once installed, beside it in a checkout."""
    inside = f"{PACKAGE}/conf"
    return inside if os.path.exists(f"{inside}/config.yaml") else f"{os.path.dirname(PACKAGE)}/conf"  # noqa: PTH110, PTH120


def search_path(config_dir: str = "", config_path: str = "") -> Folders:
    """Folders of configs in order of precedence: `--config-dir`, conf/ in the current folder, the shipped ones."""
    last = config_path or shipped_conf()
    own = [folder for folder in (config_dir, "conf") if folder and os.path.isdir(folder)]  # noqa: PTH112
    return *(folder for folder in own if not _same(folder, last)), last


def groups(where: Folders | None = None) -> list[str]:
    """Sorted names of the groups with option files; nested ones by path, as in `model/vision`."""
    return sorted({name for folder in where or search_path() for name in _groups(folder, "")})


def options(group: str, where: Folders | None = None) -> dict[str, str]:
    """Options of a group, by name, with the first comment line of each file as description."""
    found = dict.fromkeys(HYDRA_GROUPS.get(group, ()), "")
    for folder in reversed(where or search_path()):
        for name in _yamls(f"{folder}/{group}"):
            found[name] = read(f"{folder}/{group}/{name}.yaml").description
    return dict(sorted(found.items()))


def primary_configs(where: Folders | None = None) -> list[str]:
    """Names of the configs that `--config-name` takes."""
    return sorted({name for folder in where or search_path() for name in _yamls(folder)})


def experiments(where: Folders | None = None) -> list[tuple[str, str, str, str]]:
    """Name, section, description and expected outcome of each experiment, by section."""
    where = where or search_path()
    found = []
    for name, text in options("experiment", where).items():
        section, _, description = text.partition(" ")
        found.append((name, section, description, _find(f"experiment/{name}", where).expected))
    return sorted(found, key=lambda row: row[1])


def keys(group: str, option: str, where: Folders | None = None) -> dict[str, str]:
    """Dotted keys that an option sets (`optimizer.lr`), with their defaults as text. Empty if it has no file."""
    path, _, package = group.partition("@")
    where = where or search_path()
    document = _find(f"{path}/{option}", where)
    package = package or document.package or path.replace("/", ".")
    prefix = "" if package == "_global_" else f"{package}."
    return {f"{prefix}{key}": text for key, text in _own_keys(path, document, where).items()}


def _own_keys(path: str, document: Document, where: Folders, depth: int = 0) -> dict[str, str]:
    """The keys of an option: those of the options of the same group that its defaults list names, then its own."""
    found: dict[str, str] = {}
    for option in document.bases if depth < MOST_BASES else ():
        found |= _own_keys(path, _find(f"{path}/{option}", where), where, depth + 1)
    return found | document.keys


def chosen(typed: Choices, where: Folders | None = None, primary: str = "config") -> Choices:
    """The option of every group, given those typed on the command line.

    As in Hydra's defaults tree, typed options take precedence, then `override` entries of the primary config, then
    those of the options, in reverse order of the list (so that an experiment's come before a task's). Those of the
    data come last, see `of_data`.
    """
    where = where or search_path()
    return _chosen(typed | of_data(typed, where, primary), where, primary)[0]


def of_data(typed: Choices, where: Folders | None = None, primary: str = "config") -> Choices:
    """The options of other groups that the chosen data set states by `override` entries, as task=auto and model=tabm,
    without those that take precedence over it: typed ones, and those of experiments and tasks.

    A task's model is for the task's own data: with `data=csv task=regression` the model is that of the data, unless
    the task names this data or is none that `auto` could become. Hydra applies no entries of data sets, whose group
    it visits after that of tasks.
    """
    where = where or search_path()
    choices, sources = _chosen(typed, where, primary)
    data = choices.get("data", "")
    stated = _stated("data", data, where) if data else {}
    made = {}
    for group, option in stated.items():
        source = "" if group in typed else sources.get(group, "")
        task_of_others = source == "task" and choices["task"] in AUTO and _stated("task", choices["task"], where)
        if task_of_others and task_of_others.get("data") != data:
            source = ""
        if group not in typed and source not in ("experiment", "task"):
            made[group] = option
    return made


def _stated(group: str, name: str, where: Folders, depth: int = 0) -> Choices:
    """The `override` entries of an option, and of those that it extends."""
    document = _find(f"{group}/{name}", where)
    stated: Choices = {}
    for base in document.bases if depth < MOST_BASES else ():
        stated |= _stated(group, base.rpartition("/")[2], where, depth + 1)
    package = document.package or group
    return stated | {
        _absolute(each, group, package): option for override, each, option in document.defaults if override
    }


def _chosen(typed: Choices, where: Folders, primary: str) -> tuple[Choices, dict[str, str]]:
    """The choices without what data sets state, and the groups of the options whose `override` entries made them."""
    choices, sources = dict(typed), dict[str, str]()
    pending = _entries(_find(primary, where), "", "_global_", choices, sources)
    listed = [group for group, _ in pending]
    pending += [(group, option) for group, option in typed.items() if group not in listed]
    while pending and len(choices) < MOST_CHOICES:
        group, default = pending.pop()
        option = choices.setdefault(group, default)
        path, _, package = group.partition("@")
        if option:
            document = _find(f"{path}/{option}", where)
            parent = f"{path}/{option}".rpartition("/")[0]
            package = package or document.package or path.replace("/", ".")
            pending += _entries(document, parent, package, choices, sources)
    return choices, sources


def _entries(
    document: Document, parent: str, package: str, choices: Choices, sources: dict[str, str]
) -> list[tuple[str, str]]:
    """Groups and options of the defaults list of a file. Adds its `override` entries to choices, unless chosen."""
    entries = []
    for override, name, option in document.defaults:
        group = _absolute(name, parent, package)
        if not override:
            entries.append((group, option))
        elif group not in choices and parent != "data":
            choices[group], sources[group] = option, parent
    return entries


def _absolute(name: str, parent: str, package: str) -> str:
    """`group` or `group@package`, both absolute, for the name of an entry in a file of the group `parent`."""
    path, _, target = name.partition("@")
    target = target or path.strip("/").replace("/", ".")
    if target.startswith("_global_"):
        target = target.removeprefix("_global_").removeprefix(".") or "_global_"
    elif package != "_global_":
        target = f"{package}.{target}"
    path = path[1:] if path[0] == "/" else f"{parent}/{path}".lstrip("/")
    return path if target == path.replace("/", ".") else f"{path}@{target}"


def all_keys(choices: Choices, where: Folders | None = None, primary: str = "config") -> dict[str, str]:
    """All keys of a config with these choices: those of the primary config, then those of each option."""
    where = where or search_path()
    found = dict(_find(primary, where).keys)
    for group, option in choices.items():
        if option:
            found |= keys(group, option, where)
    return found


def _find(name: str, where: Folders) -> Document:
    """The first file with this name; an empty document if there is none, as for options defined in code."""
    for folder in where:
        try:
            return read(f"{folder}/{name}.yaml")
        except OSError:
            continue
    return Document()


def _groups(folder: str, parent: str) -> list[str]:
    names = []
    for name in _listing(f"{folder}/{parent}"):
        group = f"{parent}{name}"
        if name[0] not in "._" and "." not in name:
            names += [group] if _yamls(f"{folder}/{group}") else []
            names += _groups(folder, f"{group}/")
    return names


def _yamls(folder: str) -> list[str]:
    return [name.removesuffix(".yaml") for name in _listing(folder) if name.endswith(".yaml") and name[0] != "."]


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except OSError:
        return False
