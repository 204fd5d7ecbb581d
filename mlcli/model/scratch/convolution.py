"""Convolution and pooling of images, and the kernels that find edges.

What networks call convolution is a cross-correlation: the kernel is not turned round. Shapes: B batch, C channels, O
channels of what comes out, H × W pixels of an image, K × L of a kernel or window, Y × X of what comes out.
"""

from collections.abc import Iterator

import numpy as np

Pair = int | tuple[int, int]  # for rows and for columns; one number stands for both

# Differences of what lies right and left of a pixel, or below and above it, smoothed along the other axis
# (Sobel and Feldman 1968): bright where the picture gets brighter to the right, or downwards.
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
    """B × C × H × W images and O × C × K × L kernels → B × O × Y × X: at each place the sum of the products of a
    kernel with what lies under it, in all channels.

    stride: pixels from one place to the next; padding: zeros around the image; dilation: pixels from one number of
    the kernel to the next. Raises ValueError when channels differ, or the kernel is larger than the padded image.
    """
    if images.shape[1] != kernels.shape[1]:
        raise ValueError(f"The images have {images.shape[1]} channels and the kernels {kernels.shape[1]}.")
    found: np.ndarray = np.zeros(1, dtype=images.dtype)
    for row, column, pixels_BCYX in seen(images, kernels.shape[2:], stride, padding, dilation):
        found = found + np.einsum("bcyx,oc->boyx", pixels_BCYX, kernels[:, :, row, column])
    return found if bias is None else found + bias[:, None, None]


def max_pool2d(
    images: np.ndarray, window: Pair, *, stride: Pair | None = None, padding: Pair = 0, dilation: Pair = 1
) -> np.ndarray:
    """B × C × H × W → B × C × Y × X: the largest number of each window, by default of windows side by side.

    Raises ValueError when a window is larger than the padded image, or could hold padding alone.
    """
    size = _pair(window)
    _check_padding(size, _pair(padding))
    found: np.ndarray = np.full(1, -np.inf, dtype=images.dtype)
    for _, _, pixels in seen(images, size, stride or size, padding, dilation, fill=-np.inf):
        found = np.maximum(found, pixels)
    return found


def mean_pool2d(images: np.ndarray, window: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> np.ndarray:
    """B × C × H × W → B × C × Y × X: the mean of each window, in which padding counts as zeros.

    Raises ValueError as `max_pool2d` does.
    """
    size = _pair(window)
    _check_padding(size, _pair(padding))
    total: np.ndarray = np.zeros(1, dtype=images.dtype)
    for _, _, pixels in seen(images, size, stride or size, padding):
        total = total + pixels
    total /= size[0] * size[1]
    return total


def seen(
    images: np.ndarray,
    window: tuple[int, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair = 1,
    fill: float = 0.0,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """For each place (row, column) in a window, what is there as the window moves: B × C × Y × X, a view.

    So the loop is over the few places of a window, and NumPy goes over the many places of the image.
    """
    (stride_y, stride_x), (pad_y, pad_x), (step_y, step_x) = (_pair(each) for each in (stride, padding, dilation))
    padded = np.pad(images, ((0, 0), (0, 0), (pad_y, pad_y), (pad_x, pad_x)), constant_values=fill)
    height = _places(padded.shape[2], window[0], stride_y, step_y)
    width = _places(padded.shape[3], window[1], stride_x, step_x)
    for row in range(window[0]):
        for column in range(window[1]):
            top, left = row * step_y, column * step_x
            rows = slice(top, top + (height - 1) * stride_y + 1, stride_y)
            columns = slice(left, left + (width - 1) * stride_x + 1, stride_x)
            yield row, column, padded[:, :, rows, columns]


def _places(pixels: int, window: int, stride: int, dilation: int) -> int:
    """How many places a window finds along an axis of so many pixels."""
    reach = (window - 1) * dilation + 1
    if reach > pixels:
        raise ValueError(f"A window that reaches over {reach} pixels does not fit into {pixels}.")
    return (pixels - reach) // stride + 1


def _check_padding(window: tuple[int, int], padding: tuple[int, int]) -> None:
    if any(pad > size // 2 for pad, size in zip(padding, window, strict=True)):
        raise ValueError(f"Padding {padding} is more than half of the window {window}: some would hold nothing else.")


def _pair(given: Pair) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else given
