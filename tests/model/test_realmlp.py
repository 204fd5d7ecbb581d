import pytest
import torch
from torch.nn import functional as F

from mlcli.model.realmlp import ParametricActivation, RealMLP
from mlcli.run.build import build
from tests.configs import run_config

CARDINALITIES = (3, 12)


def network(members: int, outputs: int = 3) -> RealMLP:
    torch.manual_seed(0)
    return RealMLP((6,), outputs, CARDINALITIES, members=members, width=5, blocks=2).eval()


def inputs_of() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    codes = [torch.randint(0, count, (7, 1), generator=generator) for count in CARDINALITIES]
    return torch.cat([torch.randn(7, 4, generator=generator), *codes], 1)


def test_members_are_networks_of_one_member():
    model = network(3)
    outputs = model.members(inputs_of())
    for member in range(3):
        alone = network(1)
        state = {name: tensor[member : member + 1] for name, tensor in model.state_dict().items()}
        alone.load_state_dict(state)
        torch.testing.assert_close(alone.members(inputs_of()).squeeze(1), outputs[:, member])
    torch.testing.assert_close(model(inputs_of()).exp(), outputs.softmax(2).mean(1))


def test_computes_the_formula():
    model, inputs = network(1), inputs_of()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = torch.cat([model.numbers(inputs[:, :4])[0], model.categories(inputs[:, 4:])[0]], 1) * model.scale[0]
    for block in model.blocks:
        y = x @ block.linear.weight[0] / x.shape[1] ** 0.5 + block.linear.bias[0]
        share = block.activation.share[0]
        x = (1 - share) * y + share * F.selu(y)
    expected = x @ model.head.weight[0] / 5**0.5 + model.head.bias[0]
    torch.testing.assert_close(model.members(inputs).squeeze(1), expected)


def test_the_activation_depends_on_the_task():
    kinds = [type(network(1, outputs).blocks[0].activation.function) for outputs in (1, 2)]
    assert kinds == [torch.nn.Mish, torch.nn.SELU]


def test_a_share_of_zero_is_linear():
    layer, x_KBI = ParametricActivation(2, 3, torch.nn.SELU()), torch.randn(2, 4, 3)
    assert torch.equal(layer(x_KBI), F.selu(x_KBI))
    layer.share.data.zero_()
    assert torch.equal(layer(x_KBI), x_KBI)


@pytest.mark.parametrize(("task", "base"), [("classification", 0.04), ("regression", 0.2)])
def test_parameters_have_rates_of_their_own(task: str, base: float) -> None:
    data = {"classification": "iris", "regression": "diabetes"}[task]
    parts = build(run_config(f"task={task}", f"data={data}", "model=realmlp", "trainer.lr_scale={head.bias: 1}"))
    names = {id(parameter): name for name, parameter in parts.model.named_parameters()}
    groups = parts.task.update.optimizer.param_groups
    rates = {names[id(parameter)]: group["lr"] / base for group in groups for parameter in group["params"]}
    assert rates["blocks.0.linear.weight"] == pytest.approx(1) and groups[0]["lr"] == pytest.approx(base)
    assert rates["scale"] == pytest.approx(6)
    assert {round(rates[name], 6) for name in names.values() if name.startswith("numbers.")} == {0.1}
    assert rates["blocks.1.linear.bias"] == rates["blocks.1.activation.share"] == pytest.approx(0.1)
    assert rates["head.bias"] == pytest.approx(0.04 / base)  # by the config
