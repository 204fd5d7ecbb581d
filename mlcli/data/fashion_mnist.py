"""Fashion-MNIST: 60,000 training and 10,000 test images of clothes (Xiao, Rasul and Vollgraf 2017)."""

from pathlib import Path

from mlcli.loading.dataset import Examples
from mlcli.loading.idx import IdxSource, load_idx

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SOURCE = IdxSource(
    name="fashion_mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    system_folder=Path("/usr/share/datasets/fashion-mnist"),
    package="dataset-fashion-mnist",
)


def fashion_mnist(folder: str | None = None) -> Examples:
    return load_idx(SOURCE, CLASSES, "garment", folder)
