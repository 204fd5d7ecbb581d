"""Exact solutions of a finite Markov decision process: policy evaluation and value iteration (Sutton and Barto 2018,
chapter 4).

Shapes: K policies or agents side by side, S states, A actions, B branches (outcomes of an action).
"""

from dataclasses import dataclass

import numpy as np

from mlcli.loading.mdp import FiniteMDP

TOLERANCE = 1e-10  # relative to the largest reward
NEGLIGIBLE = 1e-12  # probability that an episode has not ended yet
FOREVER = 2**30  # steps: as good as no limit


@dataclass(frozen=True)
class PolicyEvaluation:
    """The expected undiscounted return and number of steps of an episode, and the probability of success, K each."""

    returns: np.ndarray
    steps: np.ndarray
    success: np.ndarray


def evaluate_policies(mdp: FiniteMDP, policies: np.ndarray) -> PolicyEvaluation:
    """The exact evaluation of deterministic policies, one action per state (K × S), in episodes of at most
    `mdp.limit` steps: the distribution of the state is propagated through the Markov chain of each policy."""
    count, states = policies.shape
    chances, following, rewards, terminal = _branches(mdp, policies)
    goals = mdp.goals.numpy()[following] & terminal
    continuing = chances * ~terminal
    index = following + states * np.arange(count)[:, None, None]
    reward_KS, success_KS = (chances * rewards).sum(2), (chances * goals).sum(2)
    distribution_KS = np.tile(mdp.initial.numpy(), (count, 1))
    returns, steps, success = np.zeros((3, count))
    for _ in range(mdp.limit):
        returns += (distribution_KS * reward_KS).sum(1)
        success += (distribution_KS * success_KS).sum(1)
        steps += distribution_KS.sum(1)
        flow = distribution_KS[:, :, None] * continuing
        distribution_KS = np.bincount(index.ravel(), flow.ravel(), count * states).reshape(count, states)
        if distribution_KS.sum(1).max() < NEGLIGIBLE:
            break
    return PolicyEvaluation(returns, steps, success)


def success_without_limit(mdp: FiniteMDP, policy: np.ndarray) -> float:
    """The probability that an episode of a policy, S actions, ends in a goal if none is truncated."""
    states = len(policy)
    chances, following, _, terminal = (each[0] for each in _branches(mdp, policy[None]))
    transitions = np.zeros((states + 2, states + 2))  # the last two states: ended in a goal, ended elsewhere
    last = np.where(mdp.goals.numpy()[following], states, states + 1)
    np.add.at(transitions, (np.arange(states)[:, None], np.where(terminal, last, following)), chances)
    transitions[states, states] = transitions[states + 1, states + 1] = 1
    return float(mdp.initial.numpy() @ np.linalg.matrix_power(transitions, FOREVER)[:states, states])


def sample_episode(mdp: FiniteMDP, policy: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The T + 1 states and T rewards of one episode of a policy, S actions."""
    generator = np.random.default_rng(seed)
    state = int(generator.choice(len(policy), p=mdp.initial.numpy()))
    states, over = [state], False
    rewards: list[float] = []
    while not over and len(rewards) < mdp.limit:
        at = state, policy[state]
        branch = generator.choice(mdp.probabilities.shape[2], p=mdp.probabilities[at].numpy())
        state, over = int(mdp.next_states[at][branch]), bool(mdp.terminal[at][branch])
        states.append(state)
        rewards.append(float(mdp.rewards[at][branch]))
    return np.array(states), np.array(rewards)


def value_iteration_sweep(mdp: FiniteMDP, tables: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """One sweep of value iteration (Bellman 1957), K × S × A → Q(s, a) = E[r + γ · max Q(s', ·)]. gamma: K."""
    next_values = tables.max(2)[:, mdp.next_states.numpy()] * ~mdp.terminal.numpy() * gamma[:, None, None, None]
    swept: np.ndarray = (mdp.probabilities.numpy() * (mdp.rewards.numpy() + next_values)).sum(3)
    return swept


def convergence_tolerance(mdp: FiniteMDP) -> float:
    """The largest change of a value that counts as none; values are of the size of the rewards."""
    return TOLERANCE * float(mdp.rewards.abs().max())


def value_iteration(mdp: FiniteMDP, gamma: float, max_sweeps: int = 100_000) -> np.ndarray:
    """The values of the optimal policy, S × A."""
    table, tolerance = np.zeros((1, *mdp.shape)), convergence_tolerance(mdp)
    for _ in range(max_sweeps):
        before, table = table, value_iteration_sweep(mdp, table, np.array([gamma]))
        if np.abs(table - before).max() <= tolerance:
            break
    values: np.ndarray = table[0]
    return values


def _branches(mdp: FiniteMDP, policies: np.ndarray) -> tuple[np.ndarray, ...]:
    """For the action of each policy in each state: probabilities, next states, rewards, terminal flags, K × S × B."""
    at = np.arange(policies.shape[1]), policies
    return tuple(each.numpy()[at] for each in (mdp.probabilities, mdp.next_states, mdp.rewards, mdp.terminal))
