"""Convolution and pooling of images, and edge-detection kernels.

In neural networks, convolution means cross-correlation: the kernel is not flipped. Shapes: B batch, C input channels,
O output channels, H × W input pixels, K × L kernel or window, Y × X output pixels.
"""

from collections.abc import Iterator

import numpy as np

Pair = int | tuple[int, int]  # for rows and for columns; one number stands for both

# Horizontal and vertical differences, smoothed along the other axis (Sobel and Feldman 1968): positive where the
# image becomes brighter to the right, or downwards.
SOBEL_X = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
SOBEL_Y = SOBEL_X.T


def conv2d(
    images: np.ndarray,
    kernels: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
) -> np.ndarray:
    """B × C × H × W images and O × C × K × L kernels → B × O × Y × X: at each position the sum over channels
    and kernel elements of kernel · pixel.

    stride: pixels between positions; padding: zeros around the image; dilation: pixels between kernel elements.
    Raises ValueError where channels differ, or the kernel is larger than the padded image.
    """
    if images.shape[1] != kernels.shape[1]:
        raise ValueError(f"The images have {images.shape[1]} channels and the kernels {kernels.shape[1]}.")
    found: np.ndarray = np.zeros(1, dtype=images.dtype)
    for row, column, pixels_BCYX in shifted(images, kernels.shape[2:], stride, padding, dilation):
        found = found + np.einsum("bcyx,oc->boyx", pixels_BCYX, kernels[:, :, row, column])
    return found if bias is None else found + bias[:, None, None]


def max_pool2d(
    images: np.ndarray, window: Pair, *, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1
) -> np.ndarray:
    """B × C × H × W → B × C × Y × X: the maximum of each window; the default stride is the window.

    Raises ValueError where a window is larger than the padded image, or padding more than half of the window.
    """
    size = _pair(window)
    _check_padding(size, _pair(padding))
    found: np.ndarray = np.full(1, -np.inf, dtype=images.dtype)
    for _, _, pixels in shifted(images, size, stride or size, padding, dilation, fill=-np.inf):
        found = np.maximum(found, pixels)
    return found


def mean_pool2d(images: np.ndarray, window: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> np.ndarray:
    """B × C × H × W → B × C × Y × X: the mean of each window, with padding as zeros.

    Raises ValueError as `max_pool2d` does.
    """
    size = _pair(window)
    _check_padding(size, _pair(padding))
    total: np.ndarray = np.zeros(1, dtype=images.dtype)
    for _, _, pixels in shifted(images, size, stride or size, padding):
        total = total + pixels
    total /= size[0] * size[1]
    return total


def shifted(
    images: np.ndarray,
    window: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair = 1,
    fill: float = 0.0,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """For each element (row, column) of a window, the pixels at it for all positions of the window: B × C × Y × X, a
    view.

    The Python loop is over the few elements of a window, and NumPy's over the many pixels of the image.
    """
    (stride_y, stride_x), (pad_y, pad_x), (step_y, step_x) = (_pair(each) for each in (stride, padding, dilation))
    padded = np.pad(images, ((0, 0), (0, 0), (pad_y, pad_y), (pad_x, pad_x)), constant_values=fill)
    height = _positions(padded.shape[2], window[0], stride_y, step_y)
    width = _positions(padded.shape[3], window[1], stride_x, step_x)
    for row in range(window[0]):
        for column in range(window[1]):
            top, left = row * step_y, column * step_x
            rows = slice(top, top + (height - 1) * stride_y + 1, stride_y)
            columns = slice(left, left + (width - 1) * stride_x + 1, stride_x)
            yield row, column, padded[:, :, rows, columns]


def _positions(pixels: int, window: int, stride: int, dilation: int) -> int:
    """The number of positions of a window along an axis of this many pixels."""
    reach = (window - 1) * dilation + 1
    if reach > pixels:
        raise ValueError(f"A window over {reach} pixels does not fit into {pixels}.")
    return (pixels - reach) // stride + 1


def _check_padding(window: tuple[int, int], padding: tuple[int, int]) -> None:
    if any(pad > size // 2 for pad, size in zip(padding, window, strict=True)):
        raise ValueError(f"Padding {padding} is more than half of the window {window}.")


def _pair(given: Pair) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else given
