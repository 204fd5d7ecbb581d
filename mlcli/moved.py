"""Old names of modules that own models, tasks, data sets and conclusions import. They work until the next release.

Every command and every completion loads this module, so it imports nothing that Python itself has not loaded.
"""

import sys

TYPE_CHECKING = False  # the name that type checkers take for true; `typing` would have to be imported
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

MODULES = {  # old → new
    "mlcli.data.dataset": "mlcli.loading.dataset",
    "mlcli.data.loader": "mlcli.loading.loader",
    "mlcli.data.texts": "mlcli.loading.text_examples",
    "mlcli.metric.answer": "mlcli.run.conclusion",
    "mlcli.metric.panels": "mlcli.figure.panels",
    "mlcli.metric.plot": "mlcli.figure.plot",
    "mlcli.metric.style": "mlcli.figure.style",
    "mlcli.run.answer": "mlcli.run.finished_run",
    "mlcli.task.network": "mlcli.task.gradient.gradient_task",
    "mlcli.train.step": "mlcli.train.update",
    "mlcli.train.verbs": "mlcli.train.protocols",
}
MEMBERS = {  # old module: old name → new name
    "mlcli.data.texts": {"classified_texts": "text_examples"},
    "mlcli.metric.answer": {"Answer": "Conclusion"},
    "mlcli.run.answer": {"Ended": "FinishedRun"},
    "mlcli.task.network": {"require_one_answer": "require_single_target"},
}


class MovedModules:
    """A finder and loader of modules by their old names. As the last finder it sees only imports that would fail."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        if name not in MODULES:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self)  # type: ignore[arg-type]  # a Loader by its methods

    def create_module(self, spec: "ModuleSpec") -> None:
        """None: an ordinary module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Copies the members of the new module, under their old names as well."""
        from importlib import import_module

        from mlcli.renamed import announce

        old = module.__name__
        announce(old, MODULES[old])
        members = vars(import_module(MODULES[old]))
        vars(module).update({name: member for name, member in members.items() if not name.startswith("__")})
        vars(module).update({name: members[new] for name, new in MEMBERS.get(old, {}).items()})
        module.__file__ = members["__file__"]  # for the message of an import of a name that is in neither


def install() -> None:
    """Makes the old names importable in this process."""
    sys.meta_path.append(MovedModules())
