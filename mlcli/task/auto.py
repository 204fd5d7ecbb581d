"""`task=auto`: classification or regression, by the targets. A config that holds it is composed again with the task
that it becomes, before it is checked, so no run is trained with it."""

from mlcli.loading.dataset import Examples


def auto(examples: Examples) -> str:
    """The task, by name. Raises ValueError for data whose targets are neither one class nor one number each."""
    if examples.world is None and examples.targets.ndim == 1:
        if examples.classes:
            return "classification"
        if examples.targets.is_floating_point():
            return "regression"
    raise ValueError(
        f"task=auto: data={examples.name} has neither a class nor a number for each example; name the task, see "
        "`mlcli list task`."
    )
