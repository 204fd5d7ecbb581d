import torch
from torch import nn

from mlcli.model.mlp import MLP
from mlcli.model.tabm import TabM

WIDTH, OUTPUTS, NUMBERS, CARDINALITIES = 5, 3, 4, (3, 12)


def inputs_of(rows: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(rows, NUMBERS, generator=generator)
    codes = [torch.randint(0, count, (rows, 1), generator=generator) for count in CARDINALITIES]
    return torch.cat([numbers, *codes], 1)


def network(members: int, **settings) -> TabM:
    """With adapters as after some training."""
    torch.manual_seed(0)
    given = {"width": WIDTH, "blocks": 2, "bins": 4, "embedding": 2, "dropout": 0.0} | settings
    model = TabM((NUMBERS + len(CARDINALITIES),), OUTPUTS, CARDINALITIES, members=members, **given)
    model.fit_inputs(inputs_of(100))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def plain(model: TabM, member: int) -> MLP:
    """An MLP with the scaled weights of a member: diag(r) W diag(s)."""
    features = len(model.blocks[0].linear.weight)
    mlp = MLP((features,), OUTPUTS, width=WIDTH, norm="none")
    with torch.no_grad():
        for block, own in zip(mlp.hidden, model.blocks, strict=True):
            layer = own.linear
            scale = layer.scale_in[member].unsqueeze(1) * layer.scale_out[member]
            block.linear.weight.copy_((layer.weight * scale).T)
            block.linear.bias.copy_(layer.bias[member])
        mlp.head.weight.copy_(model.head.weight[member].T)
        mlp.head.bias.copy_(model.head.bias[member])
    return mlp


def embedded(model: TabM, inputs: torch.Tensor) -> torch.Tensor:
    numbers, codes = inputs[:, :NUMBERS], inputs[:, NUMBERS:]
    return torch.cat([model.numbers(numbers), model.categories(codes)[0]], 1)


def test_members_are_mlps_with_scaled_weights():
    model, inputs = network(4), inputs_of()
    expected = torch.stack([plain(model, k)(embedded(model, inputs)) for k in range(4)], 1)
    torch.testing.assert_close(model.members(inputs), expected)
    torch.testing.assert_close(model(inputs).exp(), expected.softmax(2).mean(1))


def test_one_member_is_an_mlp():
    model, inputs = network(1), inputs_of()
    expected = plain(model, 0)(embedded(model, inputs))
    torch.testing.assert_close(model.members(inputs).squeeze(1), expected)
    torch.testing.assert_close(model(inputs), expected.log_softmax(1))


def test_members_differ_at_first_in_the_first_scaling_and_the_head():
    torch.manual_seed(0)
    model = TabM((3,), 2, members=4)
    first, second, _ = (block.linear for block in model.blocks)
    by_column = first.scale_in.view(4, 3, 16)
    assert by_column.unique().tolist() == [-1, 1] and (by_column == by_column[:, :, :1]).all()
    for scale in (first.scale_out, second.scale_in, second.scale_out):
        assert scale.unique().tolist() == [1]
    assert (first.bias == first.bias[0]).all() and not torch.equal(model.head.weight[0], model.head.weight[1])


def test_a_row_of_categories_alone():
    model = TabM((2,), OUTPUTS, CARDINALITIES, members=2, width=WIDTH)
    model.fit_inputs(inputs_of()[:, NUMBERS:])
    assert model(inputs_of()[:, NUMBERS:]).shape == (6, OUTPUTS)


def test_the_bins_are_saved():
    model = network(2)
    other = TabM(
        (NUMBERS + len(CARDINALITIES),), OUTPUTS, CARDINALITIES, members=2, width=WIDTH, blocks=2, bins=4, embedding=2
    )
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(inputs_of()), model.eval()(inputs_of()))


def test_the_loss_falls():
    torch.manual_seed(0)
    inputs = torch.randn(200, 3)
    targets = (inputs[:, 0] * inputs[:, 1] > 0).long()
    model = TabM((3,), 2, members=4, width=16, bins=8)
    model.fit_inputs(inputs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(60):
        logits = model.members(inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.repeat_interleave(4))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2
