"""What an architecture is: the body of an encoder and a whole decoder, without latents or objectives.

An architecture is one file here with one subclass of `Architecture`. The linear layer that makes a posterior of the
encoder's features belongs to `multibeta.model`, so every architecture serves every variant and number of latents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from multibeta.registry import PlugIn

if TYPE_CHECKING:
    from torch import nn


class Architecture(PlugIn, kind="architecture"):
    """Base of every architecture. Declare ``title``, ``source``, write `check`, `encoder` and `decoder`.

    A ``shape`` is always (C, H, W) of the images.
    """

    title: ClassVar[str]
    source: ClassVar[str]

    def check(self, shape: tuple[int, int, int]) -> None:
        """Raise ValueError with one clause (``needs images of 64×64``) if the nets cannot serve this shape."""

    def encoder(self, shape: tuple[int, int, int]) -> tuple[nn.Module, int]:
        """The body (B, C, H, W) → (B, F) and F, the number of its features."""
        raise NotImplementedError

    def decoder(self, shape: tuple[int, int, int], inputs: int) -> nn.Module:
        """The net (B, inputs) → (B, C, H, W), in logits; ``inputs`` counts latents and condition."""
        raise NotImplementedError
