"""Optimizers as other packages have them: each behaves in one way that a stack of trials must not get wrong."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mlcli.loading.dataset import Examples

Closure = Callable[[], Tensor]


class Own(torch.optim.Optimizer):
    """Plain gradient descent, of which the classes below are variants."""

    def __init__(self, params: Any, lr: float = 0.01, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.begin()

    def begin(self) -> None:
        """What the constructor keeps besides the groups."""

    def each(self) -> Iterator[tuple[Tensor, Tensor, float]]:
        """Parameter, gradient and learning rate of all parameters with a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    yield p, p.grad, group["lr"]

    def kept(self, p: Tensor, name: str) -> Tensor:
        """State of a parameter that begins at 0."""
        if name not in self.state[p]:
            self.state[p][name] = torch.zeros_like(p)
        found: Tensor = self.state[p][name]
        return found

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            p.sub_(grad, alpha=lr)


class Lion(Own):
    """Sign of an interpolated momentum, decoupled weight decay (Chen et al. 2023)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            p.mul_(1 - lr * self.defaults["weight_decay"])
            mean = self.kept(p, "mean")
            p.sub_(mean.lerp(grad, 0.1).sign(), alpha=lr)
            mean.lerp_(grad, 0.01)


class Lamb(Own):
    """A trust ratio from the norms of each tensor (You et al. 2020)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            mean, square = self.kept(p, "mean").lerp_(grad, 0.1), self.kept(p, "square").lerp_(grad**2, 0.001)
            update = mean / (square.sqrt() + 1e-6)
            ratio = torch.where(update.norm() > 0, p.norm() / update.norm(), 1.0)
            p.sub_(lr * ratio * update)


class Lookahead(torch.optim.Optimizer):
    """Wraps Adam; every five steps the weights return halfway to slow copies (Zhang et al. 2019)."""

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        self.base = torch.optim.Adam(params, lr=lr)
        self._optimizer_step_pre_hooks: Any = {}
        self._optimizer_step_post_hooks: Any = {}
        self.count = 0
        self.slow = {p: p.detach().clone() for group in self.base.param_groups for p in group["params"]}
        self.defaults = self.base.defaults

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        return self.base.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        return self.base.state

    def state_dict(self) -> dict[str, Any]:
        return {"base": self.base.state_dict(), "count": self.count, "slow": list(self.slow.values())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.base.load_state_dict(state_dict["base"])
        self.count = state_dict["count"]
        self.slow = dict(zip(self.slow, state_dict["slow"], strict=True))

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.base.step()
        self.count += 1
        if self.count % 5 == 0:
            for p, slow in self.slow.items():
                slow.lerp_(p, 0.5)
                p.copy_(slow)


class Sam(Own):
    """Gradients at the worst point nearby: needs a closure, optional in its signature (Foret et al. 2021)."""

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> None:  # type: ignore[override]
        assert closure is not None, "sharpness-aware minimisation needs a closure"
        closure()
        found = list(self.each())
        norm = torch.stack([grad.norm() for _, grad, _ in found]).norm()
        moves = [grad * (0.05 / (norm + 1e-12)) for _, grad, _ in found]
        for (p, _, _), move in zip(found, moves, strict=True):
            p.add_(move)
        closure()
        for (p, _, _), move in zip(found, moves, strict=True):
            p.sub_(move)
        for p, grad, lr in self.each():
            p.sub_(grad, alpha=lr)


class AdaBelief(Own):
    """Variance around the mean of gradients; the number of steps is a Python integer (Zhuang et al. 2020)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            count = self.state[p]["step"] = self.state[p].get("step", 0) + 1
            mean = self.kept(p, "mean").lerp_(grad, 0.1)
            spread = self.kept(p, "spread").lerp_((grad - mean) ** 2, 0.001).add_(1e-16)
            p.sub_(lr * mean / (1 - 0.9**count) / ((spread / (1 - 0.999**count)).sqrt() + 1e-8))


class ScheduleFree(Own):
    """Gradients at a point between fast weights and their mean, which is evaluated (Defazio et al. 2024)."""

    def begin(self) -> None:
        self.training, self.count = False, 0

    def train(self) -> None:
        self._turn(True)

    def eval(self) -> None:
        self._turn(False)

    @torch.no_grad()
    def _turn(self, training: bool) -> None:
        if training != self.training:
            for group in self.param_groups:
                for p in group["params"]:
                    if "z" in self.state[p]:
                        z = self.state[p]["z"]  # y = 0.1 z + 0.9 x
                        p.copy_(0.1 * z + 0.9 * p if training else (p - 0.1 * z) / 0.9)
        self.training = training

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({name: state_dict[name] for name in ("state", "param_groups")})
        self.count = state_dict["count"]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        if not self.training:
            raise RuntimeError("not in train mode")
        self.count += 1
        for p, grad, lr in self.each():
            z = self.state[p].setdefault("z", p.detach().clone())
            x = (p - 0.1 * z) / 0.9
            z.sub_(grad, alpha=lr)
            p.copy_(0.1 * z + 0.9 * x.lerp_(z, 1 / self.count))


class Adan(Own):
    """Momentum of differences between successive gradients, of which it keeps the last (Xie et al. 2022)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            last = self.state[p].setdefault("last", grad.clone())
            difference = grad - last
            mean, change = self.kept(p, "mean").lerp_(grad, 0.02), self.kept(p, "change").lerp_(difference, 0.08)
            square = self.kept(p, "square").lerp_((grad + 0.92 * difference) ** 2, 0.01)
            p.sub_(lr * (mean + 0.92 * change) / (square.sqrt() + 1e-8))
            last.copy_(grad)


class Sgld(Own):
    """Stochastic gradient Langevin dynamics: noise of the global generator (Welling and Teh 2011)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            p.sub_(grad, alpha=lr).add_(torch.randn_like(p), alpha=1e-3 * lr**0.5)


class LateNoise(Own):
    """Noise of the global generator from step 40 on."""

    def begin(self) -> None:
        self.count = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count += 1
        for p, grad, lr in self.each():
            p.sub_(grad, alpha=lr)
            if self.count >= 40:
                p.add_(torch.randn_like(p), alpha=1e-3)


class GradientCentralisation(Own):
    """Gradients of matrices without their mean over inputs, changed in place (Yong et al. 2020)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            if grad.ndim > 1:
                grad.sub_(grad.mean(tuple(range(1, grad.ndim)), keepdim=True))
            p.sub_(self.kept(p, "momentum").mul_(0.9).add_(grad), alpha=lr)


class RaisesInStepSeven(Own):
    """Raises an error in its seventh step."""

    def begin(self) -> None:
        self.count = 0

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count += 1
        if self.count == 7:
            raise ArithmeticError("the seventh step fails")
        super().step()


class FloatState(Own):
    """A scale as a Python number, which grows and shrinks with the norm of each gradient."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            norm = float(grad.norm())
            scale = self.state[p]["scale"] = 0.9 * self.state[p].get("scale", norm) + 0.1 * norm
            p.sub_(grad, alpha=lr / (scale + 1e-8))


class ClearsGradients(Own):
    """Sets gradients to None, and counts those that it finds so in the next step."""

    def begin(self) -> None:
        self.missing = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    self.missing += 1
                else:
                    p.sub_(p.grad, alpha=group["lr"] / (1 + self.missing))
                    p.grad = None


class Sophia(Own):
    """A curvature estimate every ten steps, from step 35 on, and steps clipped to it (Liu et al. 2023)."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            count = self.state[p]["step"] = self.state[p].get("step", 0) + 1
            curvature = self.kept(p, "curvature")
            if count >= 35 and count % 10 == 5:
                curvature.lerp_(grad**2, 0.1)
            mean = self.kept(p, "mean").lerp_(grad, 0.04)
            p.sub_((mean / (curvature * 10 + 1e-2)).clamp(-1, 1), alpha=lr)


class DAdaptation(Own):
    """One estimate of the distance to the solution, from all tensors, scales the learning rate in the groups
    (Defazio and Mishchenko 2023)."""

    def begin(self) -> None:
        self.param_groups[0].setdefault("d", 1e-2)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        found, d = list(self.each()), self.param_groups[0]["d"]
        inner, norms = 0.0, 0.0
        for p, grad, lr in found:
            total = self.kept(p, "sum")
            inner += float((grad * total).sum()) * lr
            norms += float(total.add_(grad, alpha=lr).norm()) + 1e-8
        self.param_groups[0]["d"] = max(d, d * inner / norms) if norms else d
        for p, grad, lr in found:
            p.sub_(grad, alpha=lr * (1 + self.param_groups[0]["d"]))


class SharedCounter(Own):
    """Counts the steps of all instances of the class, and decays with their number."""

    count = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        SharedCounter.count += 1
        for p, grad, lr in self.each():
            p.sub_(grad, alpha=lr / SharedCounter.count**0.5)


class KeepsMemory(Own):
    """Keeps references to the memory of the weights."""

    def begin(self) -> None:
        self.memory = [p.data for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for memory, (_, grad, lr) in zip(self.memory, self.each(), strict=True):
            memory.sub_(grad, alpha=lr)


class Rebinds(Own):
    """Puts another tensor in the place of the weights."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for p, grad, lr in self.each():
            p.data = p.data - lr * grad


class OrderMatters(Own):
    """Another learning rate for each parameter, by its place in the group; frozen ones are skipped."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for place, p in enumerate(group["params"]):
                if p.requires_grad and isinstance(p, nn.Parameter):
                    p.sub_(p.grad, alpha=group["lr"] / (1 + place))


# For SparseAdam, which takes sparse gradients only.


def words() -> Examples:
    """Four tokens, whose classes follow from the first."""
    tokens = torch.randint(1, 12, (120, 4), generator=torch.Generator().manual_seed(0))
    vocabulary = tuple(map(str, range(12)))
    return Examples("words", "tokens", tokens, tokens[:, 0] % 2, classes=("even", "odd"), vocabulary=vocabulary)


class SparseWords(nn.Module):
    """The mean of an embedding with sparse gradients."""

    def __init__(self, vocabulary: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, outputs, sparse=True)

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.embedding(tokens)
        return found.mean(1)
