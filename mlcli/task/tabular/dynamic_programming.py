"""What can be known of a world that is a table, without trying: what a policy brings, and which one is best.

Shapes: K policies or trials side by side, S states, A actions, B branches (outcomes of an action).
"""

from dataclasses import dataclass

import numpy as np

from mlcli.loading.mdp import FiniteMDP

SETTLED = 1e-10  # relative to the largest reward
GONE = 1e-12  # of the episodes go on: all have ended
FOREVER = 2**30  # steps, as good as without a limit


@dataclass(frozen=True)
class PolicyEvaluation:
    """The expected return (not discounted) and number of steps of an episode, and the chance of success, each K."""

    returns: np.ndarray
    steps: np.ndarray
    success: np.ndarray


def evaluate_policies(world: FiniteMDP, policies: np.ndarray) -> PolicyEvaluation:
    """What these policies, an action for each state (K × S), bring in episodes with the world's limit: exact, by
    following the distribution of the state through the Markov chain that each of them is."""
    count, states = policies.shape
    chances, following, rewards, ends = _branches(world, policies)
    goals = world.goals.numpy()[following] & ends
    going_on = chances * ~ends
    index = following + states * np.arange(count)[:, None, None]
    reward, reaching = (chances * rewards).sum(2), (chances * goals).sum(2)
    here = np.tile(world.initial.numpy(), (count, 1))
    returns, steps, success = np.zeros((3, count))
    for _ in range(world.limit):
        returns += (here * reward).sum(1)
        success += (here * reaching).sum(1)
        steps += here.sum(1)
        flow = here[:, :, None] * going_on
        here = np.bincount(index.ravel(), flow.ravel(), count * states).reshape(count, states)
        if here.sum(1).max() < GONE:
            break
    return PolicyEvaluation(returns, steps, success)


def success_without_limit(world: FiniteMDP, policy: np.ndarray) -> float:
    """The chance that a policy, S actions, ends well if no episode is cut off."""
    states = len(policy)
    chances, following, _, ends = (each[0] for each in _branches(world, policy[None]))
    steps = np.zeros((states + 2, states + 2))  # the last two: it has ended well, or otherwise
    last = np.where(world.goals.numpy()[following], states, states + 1)
    np.add.at(steps, (np.arange(states)[:, None], np.where(ends, last, following)), chances)
    steps[states, states] = steps[states + 1, states + 1] = 1
    return float(world.initial.numpy() @ np.linalg.matrix_power(steps, FOREVER)[:states, states])


def sample_episode(world: FiniteMDP, policy: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The states and the rewards of one episode, a reward fewer than states."""
    generator = np.random.default_rng(seed)
    state = int(generator.choice(len(policy), p=world.initial.numpy()))
    states, over = [state], False
    rewards: list[float] = []
    while not over and len(rewards) < world.limit:
        at = state, policy[state]
        branch = generator.choice(world.probabilities.shape[2], p=world.probabilities[at].numpy())
        state, over = int(world.next_states[at][branch]), bool(world.terminal[at][branch])
        states.append(state)
        rewards.append(float(world.rewards[at][branch]))
    return np.array(states), np.array(rewards)


def value_iteration_sweep(world: FiniteMDP, tables: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """One sweep of value iteration (Bellman 1957): K × S × A → Q(s, a) = E[r + γ max Q(s', ·)]. gamma: K."""
    following = world.next_states.numpy()
    future = tables.max(2)[:, following] * ~world.terminal.numpy() * gamma[:, None, None, None]
    found: np.ndarray = (world.probabilities.numpy() * (world.rewards.numpy() + future)).sum(3)
    return found


def convergence_tolerance(world: FiniteMDP) -> float:
    """A change of values that counts for none: they are of the size of the rewards."""
    return SETTLED * float(world.rewards.abs().max())


def value_iteration(world: FiniteMDP, gamma: float, most: int = 100_000) -> np.ndarray:
    """The values of the best policy, S × A."""
    table, tolerance = np.zeros((1, *world.shape)), convergence_tolerance(world)
    for _ in range(most):
        before, table = table, value_iteration_sweep(world, table, np.array([gamma]))
        if np.abs(table - before).max() <= tolerance:
            break
    found: np.ndarray = table[0]
    return found


def _branches(world: FiniteMDP, policies: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of the action that each policy takes in each state: chances, following, rewards and ends, K × S × B."""
    at = np.arange(policies.shape[1]), policies
    return tuple(each.numpy()[at] for each in (world.probabilities, world.next_states, world.rewards, world.terminal))
