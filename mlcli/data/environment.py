"""Environments of gymnasium as data; the examples are observations of a random policy.

Shapes: N examples, D numbers of an observation, A actions.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import torch

from mlcli.config.ranges import Range
from mlcli.loading.dataset import Examples
from mlcli.loading.environment import Environment
from mlcli.loading.rollout import EnvStepper

PARALLEL = 10  # environments in which the random policy acts


def environment(
    environment: str,
    *,
    actions: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    best: float | None = None,
    examples: Annotated[int, Range(10)] = 500,
    seed: int = 0,
) -> Examples:
    """An environment of gymnasium, by its id, with vector observations and discrete actions.

    actions, features: names of the actions and of the elements of an observation; by default they are numbered.
    examples: number of observations of a random policy, with its actions as targets. They serve for normalisation and
    as examples for serving; agents are trained and evaluated on episodes of their own.
    best: the highest possible return of an episode, if known.

    Raises ValueError for an unknown environment or one of another kind.
    """
    kind = _look_up(environment)
    space, choices = kind.observation_space, kind.action_space
    limit = kind.spec.max_episode_steps
    kind.close()
    if type(space).__name__ != "Box" or len(space.shape) != 1:
        raise ValueError(f"{environment} has observations of another kind than vectors ({space}): use another one.")
    if type(choices).__name__ != "Discrete" or choices.start != 0:
        raise ValueError(f"{environment} has no discrete actions ({choices}): use another environment.")
    if limit is None:
        raise ValueError(f"{environment} has no time limit, so an episode may never end: use another environment.")
    world = Environment(environment, int(choices.n), limit, best)
    inputs, targets = _explore(world, examples, seed)
    return Examples(
        name=environment,
        kind="vector",
        inputs=inputs,
        targets=targets,
        classes=_names(actions, world.actions, "actions"),
        features=_names(features, space.shape[0], "features"),
        target="action",
        source=f"gymnasium, {environment}; observations of a random policy, seed {seed}",
        world=world,
    )


def _look_up(name: str) -> Any:
    """One environment. Raises ValueError for an unknown id, including `module:id`, which would import the module."""
    import gymnasium

    if name not in gymnasium.registry:
        close = get_close_matches(name, gymnasium.registry, n=1, cutoff=0.4)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ValueError(f"data.environment={name}: gymnasium has no such environment.{hint}")
    try:
        return gymnasium.make(name)
    except (gymnasium.error.Error, ImportError) as error:  # a dependency is not installed
        raise ValueError(f"data.environment={name}: {error}") from error


def _explore(world: Environment, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """N × D observations of a random policy and its N actions."""
    generator = torch.Generator().manual_seed(seed)
    stepper = EnvStepper(world.make_vector(PARALLEL), seed)
    seen: list[tuple[torch.Tensor, ...]] = []
    while sum(len(actions) for _, actions in seen) < count:
        actions = torch.randint(world.actions, (PARALLEL,), generator=generator)
        step = stepper.step(actions)
        seen.append((step.observations, step.actions))
    inputs, targets = (torch.cat(tensors)[:count] for tensors in zip(*seen, strict=True))
    return inputs, targets


def _names(given: Sequence[str] | None, count: int, what: str) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{what[:-1]} {i}" for i in range(count))
    if len(given) != count:
        raise ValueError(f"data.{what} has {len(given)} names: there are {count}.")
    return tuple(given)
