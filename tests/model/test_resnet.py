import pytest
import torch
from torch.nn import functional as F

from mlcli.model.resnet import ResNet, ResNet18, ResNet34, ResNet50

COUNTS = {ResNet18: (2, 2, 2, 2), ResNet34: (3, 4, 6, 3), ResNet50: (3, 4, 6, 3)}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def torchvisions(kind, width=64, classes=1000):
    """Names and shapes of torchvision's state dict, written down from its source; its head is called fc."""
    convolutions = 3 if kind is ResNet50 else 2
    expansion = 4 if kind is ResNet50 else 1
    shapes = {"conv1.weight": (width, 3, 7, 7), **norm("bn1", width)}
    channels = width
    for stage, count in enumerate(COUNTS[kind], 1):
        planes = width * 2 ** (stage - 1)
        wide = planes * expansion
        for place in range(count):
            block = f"layer{stage}.{place}"
            sizes = [(planes, channels, 1), (planes, planes, 3), (wide, planes, 1)]
            sizes = sizes if convolutions == 3 else [(planes, channels, 3), (planes, planes, 3)]
            for i, (out, into, size) in enumerate(sizes, 1):
                shapes |= {f"{block}.conv{i}.weight": (out, into, size, size), **norm(f"{block}.bn{i}", out)}
            if place == 0 and (stage > 1 or channels != wide):
                shapes |= {f"{block}.downsample.0.weight": (wide, channels, 1, 1)}
                shapes |= norm(f"{block}.downsample.1", wide)
            channels = wide
    return shapes | {"fc.weight": (classes, channels), "fc.bias": (classes,)}


def norm(name, channels):
    return {f"{name}.{part}": () if part == "num_batches_tracked" else (channels,) for part in NORM}


def forward(state, kind, images):
    """torchvision's ResNet in evaluation, computed from its state dict alone."""

    def normed(name, maps):
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(maps, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"])

    def convolved(name, maps, stride=1):
        weight = state[f"{name}.weight"]
        return F.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2)

    maps = F.max_pool2d(normed("bn1", convolved("conv1", images, 2)).relu(), 3, 2, 1)
    for stage, count in enumerate(COUNTS[kind], 1):
        for place in range(count):
            block = f"layer{stage}.{place}"
            stride = 2 if stage > 1 and place == 0 else 1
            if kind is ResNet50:
                out = normed(f"{block}.bn1", convolved(f"{block}.conv1", maps)).relu()
                out = normed(f"{block}.bn2", convolved(f"{block}.conv2", out, stride)).relu()
                out = normed(f"{block}.bn3", convolved(f"{block}.conv3", out))
            else:
                out = normed(f"{block}.bn1", convolved(f"{block}.conv1", maps, stride)).relu()
                out = normed(f"{block}.bn2", convolved(f"{block}.conv2", out))
            if f"{block}.downsample.0.weight" in state:
                maps = normed(f"{block}.downsample.1", convolved(f"{block}.downsample.0", maps, stride))
            maps = (out + maps).relu()
    return F.linear(F.adaptive_avg_pool2d(maps, 1).flatten(1), state["fc.weight"], state["fc.bias"])


def random_state(kind, width, classes):
    generator = torch.Generator().manual_seed(0)

    def tensor(name, shape):
        if name.endswith("num_batches_tracked"):
            return torch.tensor(7)
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        if name.endswith("running_var"):
            return drawn.abs() + 0.5
        return drawn / (drawn[0].numel() ** 0.5 if drawn.ndim > 1 else 1)

    return {name: tensor(name, shape) for name, shape in torchvisions(kind, width, classes).items()}


@pytest.mark.parametrize(
    ("kind", "parameters"), [(ResNet18, 11_689_512), (ResNet34, 21_797_672), (ResNet50, 25_557_032)]
)
def test_names_and_shapes_are_torchvisions(kind, parameters):
    with torch.device("meta"):
        model = kind((3, 224, 224), 1000)
    assert sum(p.numel() for p in model.parameters()) == parameters
    expected = {name.replace("fc.", "head."): shape for name, shape in torchvisions(kind).items()}
    assert {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()} == expected
    assert list(model.state_dict()) == list(expected)


@pytest.mark.parametrize("kind", COUNTS)
def test_forward_is_torchvisions(kind):
    state = random_state(kind, width=8, classes=5)
    model = kind((3, 65, 48), 5, width=8).double().eval()
    model.load_state_dict({name.replace("fc.", "head."): tensor for name, tensor in state.items()})
    images = torch.randn(2, 3, 65, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model(images), forward(state, kind, images), rtol=1e-10, atol=1e-10)


def test_small_ones_have_so_many_layers_and_halve_twice():
    model = ResNet((3, 32, 32), 10, depth=20)
    assert sum(p.numel() for p in model.parameters()) == 272_474
    main = [p for name, p in model.named_parameters() if p.ndim > 1 and "downsample" not in name]
    assert len(main) == 20
    maps, shapes = torch.randn(2, 16, 32, 32), []
    for stage in (model.layer1, model.layer2, model.layer3):
        maps = stage(maps)
        shapes.append(tuple(maps.shape[1:]))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize(("depth", "advice"), [(1, "8"), (2, "8"), (10, "8 or 14"), (19, "14 or 20")])
def test_other_depths_are_told_which_there_are(depth, advice):
    with pytest.raises(ValueError, match=rf"model\.depth={depth}: .* use model\.depth={advice}\."):
        ResNet((1, 8, 8), 2, depth=depth)
