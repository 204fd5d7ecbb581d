"""Acting with a network: the greedy policy and experience replay."""
