"""Successive halving within a stack: at each rung the worst half leaves, and the rest train on, faster.

Jamieson & Talwalkar 2016, Non-stochastic Best Arm Identification, arXiv 1502.07943.
"""

from mlcli.config.settings import Settings
from mlcli.run.directions import is_higher_better
from mlcli.run.member import Member
from mlcli.train.loop import Epoch

RUNGS = (1 / 8, 1 / 4, 1 / 2)  # by default, as shares of all epochs


class Halving:
    """Watches the trials of one stack and prunes them at the rungs that `sweep` in the config sets."""

    def __init__(self, cfg: Settings) -> None:
        self.keep = cfg.sweep.keep
        self.metric = cfg.sweep.metric or cfg.trainer.monitor
        self.higher = is_higher_better(cfg, self.metric)
        shares = [max(1, round(share * cfg.trainer.epochs)) for share in RUNGS]
        rungs = shares if cfg.sweep.rungs is None else cfg.sweep.rungs
        self.rungs = {epoch for epoch in rungs if epoch < cfg.trainer.epochs} if cfg.sweep.halving else set()
        self.arrived: list[tuple[float, Member]] = []

    def epoch(self, member: Member, event: Epoch) -> None:
        """A trial has ended an epoch. ValueError if it has no such metric."""
        if event.epoch not in self.rungs:
            return
        if self.metric not in event.metrics:
            raise ValueError(f"sweep.metric={self.metric}: no such metric. Choices: {', '.join(event.metrics)}.")
        score = event.metrics[self.metric]
        self.arrived.append((-score if self.higher else score, member))

    def prune(self) -> None:
        """Called when all trials have ended the epoch: ends those that are too far behind."""
        ranked = sorted(self.arrived, key=lambda pair: pair[0])
        kept = max(1, round(self.keep * len(ranked)))
        for place, (_, member) in enumerate(ranked[kept:], kept + 1):
            epoch = member.progress.epoch
            member.prune(f"{place} of {len(ranked)} by {self.metric} at the rung of epoch {epoch}")
        self.arrived.clear()
