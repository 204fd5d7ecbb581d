"""Successive halving within a stack: at each rung the worst half is pruned, and the rest continue, faster.

Jamieson & Talwalkar 2016, Non-stochastic Best Arm Identification, arXiv 1502.07943.
"""

from mlcli.config.settings import Settings
from mlcli.run.directions import is_higher_better
from mlcli.run.member import StackMember
from mlcli.train.loop import Epoch

RUNGS = (1 / 8, 1 / 4, 1 / 2)  # default, as fractions of all epochs


class Halving:
    """Prunes the trials of one stack at the rungs that the group `sweep` of the config sets."""

    def __init__(self, cfg: Settings) -> None:
        self.keep = cfg.sweep.keep
        self.metric = cfg.sweep.metric or cfg.trainer.monitor
        self.higher = is_higher_better(cfg, self.metric)
        shares = [max(1, round(share * cfg.trainer.epochs)) for share in RUNGS]
        rungs = shares if cfg.sweep.rungs is None else cfg.sweep.rungs
        self.rungs = {epoch for epoch in rungs if epoch < cfg.trainer.epochs} if cfg.sweep.halving else set()
        self.arrived: list[tuple[float, StackMember]] = []

    def epoch(self, member: StackMember, event: Epoch) -> None:
        """Records the score of a trial after an epoch. Raises ValueError if it lacks the metric."""
        if event.epoch not in self.rungs:
            return
        if self.metric not in event.metrics:
            raise ValueError(f"sweep.metric={self.metric}: no such metric. Choices: {', '.join(event.metrics)}.")
        score = event.metrics[self.metric]
        self.arrived.append((-score if self.higher else score, member))

    def prune(self) -> None:
        """Prunes the worst trials; to be called when all trials have ended the epoch."""
        ranked = sorted(self.arrived, key=lambda pair: pair[0])
        kept = max(1, round(self.keep * len(ranked)))
        for place, (_, member) in enumerate(ranked[kept:], kept + 1):
            epoch = member.progress.epoch
            member.prune(f"{place} of {len(ranked)} by {self.metric} at the rung of epoch {epoch}")
        self.arrived.clear()
