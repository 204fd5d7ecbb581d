"""MNIST: 60,000 training and 10,000 test images of handwritten digits (LeCun et al. 1998)."""

from pathlib import Path

from mlcli.loading.dataset import Examples
from mlcli.loading.idx import IdxSource, load_idx

SOURCE = IdxSource(
    name="mnist",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    system_folder=Path("/usr/share/datasets/mnist"),
)


def mnist(folder: str | None = None) -> Examples:
    return load_idx(SOURCE, tuple("0123456789"), "digit", folder)
