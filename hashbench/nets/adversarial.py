"""Content and adversarial losses of images reconstructed from codes, as in BGAN's paper and in its authors' code."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hashbench.nets.decoders import Generator
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.losses import log_fake, log_real, map_loss
from hashbench.nets.precision import autocast
from hashbench.nets.signs import sign_through

AUTHORS_SIZE = 64  # side in pixels of the images that BGAN's authors reconstruct


def build_generator(bits: int, size: int) -> Generator:
    """The authors' generator for 64 px, a narrower one for 32 px."""
    return Generator(bits, size, 256, (256, 128, 32)) if size == AUTHORS_SIZE else Generator(bits, size)


def build_discriminator(size: int) -> Discriminator:
    """The authors' discriminator for 64 px, a narrower one for 32 px."""
    if size == AUTHORS_SIZE:
        return Discriminator(size, (32, 128, 256, 256), first_stride=1, hidden=1024)
    return Discriminator(size)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses of :class:`PaperObjective`, in the paper's form (lambda1 twice, lambda2)."""

    pixel: float
    perceptual: float
    adversarial: float

    @property
    def needs_generator(self) -> bool:
        """Whether any loss is of reconstructions."""
        return self.pixel + self.perceptual + self.adversarial > 0

    @property
    def needs_discriminator(self) -> bool:
        """Whether l_A is switched on, or l_Per, whose phi is the discriminator's."""
        return self.perceptual + self.adversarial > 0


class AdversarialObjective(nn.Module, ABC):
    """A generator and a discriminator, and the discriminator's optimiser.

    Encoder, generator and discriminator share every forward pass, so one method returns the losses of the first two
    and steps the third.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.generator, self.discriminator, self.dtype = generator, discriminator, dtype
        self.optimiser: torch.optim.Optimizer | None = None

    @abstractmethod
    def losses_and_discriminator_step(
        self, codes: Tensor, features: Tensor, real: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the losses of a batch and take one step of the discriminator.

        Args:
            codes: relaxed signs of beta z, float [B, bits], with their gradient.
            features: the encoder's, float [B, d], with their gradient.
            real: images, float [B, 3, h, w] in [0, 1].

        Returns:
            A scalar whose gradients in codes, features and the generator are those of their objective (its value
            means nothing), and the losses by name, for reports.
        """

    def generator_parameters(self) -> list[nn.Parameter]:
        """All parameters but the discriminator's."""
        others = set(self.discriminator.parameters()) if self.discriminator else set()
        return [parameter for parameter in self.parameters() if parameter not in others]

    def reconstruct(self, binary: Tensor) -> Tensor:
        """Images, float32 [n, 3, h, w] in [0, 1], of codes of -1 and +1."""
        with autocast(self.dtype, binary.device):
            images: Tensor = self.generator(binary)
        return images.float()

    def discriminate(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The discriminator's logits, last convolution and hidden layer, each in float32."""
        assert self.discriminator is not None
        with autocast(self.dtype, images.device):
            logits, phi, hidden = self.discriminator(images)
        return logits.float(), phi.float(), hidden.float()

    def discriminator_backward(self, likelihood: Tensor) -> None:
        """Compute the gradients of the discriminator, which maximises ``likelihood``, and no others."""
        assert self.discriminator is not None
        assert self.optimiser is not None
        self.optimiser.zero_grad()
        torch.autograd.backward(-likelihood, inputs=list(self.discriminator.parameters()), retain_graph=True)

    def discriminator_step(self) -> None:
        """Step the discriminator; its weights must not be needed for another gradient of this batch."""
        if self.optimiser is not None:
            self.optimiser.step()


class PaperObjective(AdversarialObjective):
    """lambda1 (l_MSE + l_Per) + lambda2 l_A, times 2/B, with the code's reconstruction as the only fake.

    A loss summed over the batch beside l_N = 1/2 sum_ij, the whole divided by B^2 / 2, is (2/B) times its mean.

    Args:
        generator: codes to images.
        discriminator: None where ``weights`` needs none.
        weights: of the losses.
        dtype: what the networks compute in.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator | None, weights: LossWeights, dtype: torch.dtype
    ) -> None:
        super().__init__(generator, discriminator, dtype)
        self.weights = weights

    def losses_and_discriminator_step(
        self,
        codes: Tensor,
        features: Tensor,  # noqa: ARG002 - only the released objective reads them
        real: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """See the base class. The generator reads sgn(z); its gradient passes on through the relaxed sign."""
        reconstructed = self.reconstruct(sign_through(codes))
        gradient, losses = self.generator_gradient(reconstructed.detach().requires_grad_(), real)
        return (reconstructed * gradient).sum(), losses

    def generator_gradient(self, fake: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Gradient in ``fake`` of (2/B) mean_i (content and adversarial loss); steps the discriminator."""
        losses = {"pixel": map_loss(fake, real)}
        loss = self.weights.pixel * losses["pixel"]
        if self.discriminator is not None:
            real_logits, real_phi, _ = self.discriminate(real)
            fake_logits, fake_phi, _ = self.discriminate(fake)
            losses["perceptual"] = map_loss(fake_phi, real_phi.detach())
            losses["real"], losses["fake"] = log_real(real_logits), log_fake(fake_logits)
            loss = loss + self.weights.perceptual * losses["perceptual"] + self.weights.adversarial * losses["fake"]
            self.discriminator_backward(losses["real"] + losses["fake"])
        (gradient,) = torch.autograd.grad(loss * (2 / len(real)), fake)
        self.discriminator_step()
        return gradient, losses


class ReleasedObjective(AdversarialObjective):
    """The objective of the authors' code: noise in the code, fakes from noise, phi the hidden layer, no pixels.

    Encoder and generator minimise mean (phi(I) - phi(G(b + sigma e)))^2, the generator also -log D(G(e')), where e
    and e' are standard normal and sigma is learnt from the features; the discriminator sees I and G(e').

    Args:
        generator: codes to images.
        discriminator: images to logits.
        dimension, bits: of features and codes.
        dtype: what the networks compute in.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator, dimension: int, bits: int, dtype: torch.dtype
    ) -> None:
        super().__init__(generator, discriminator, dtype)
        self.log_sigma = nn.Linear(dimension, bits)

    def losses_and_discriminator_step(
        self, codes: Tensor, features: Tensor, real: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """See the base class."""
        sigma = self.log_sigma(features.float()).exp()
        made = self.reconstruct(codes + sigma * torch.randn_like(codes)), self.reconstruct(torch.randn_like(codes))
        reconstructed, fake = (images.detach().requires_grad_() for images in made)
        real_logits, _, real_hidden = self.discriminate(real)
        fake_logits, _, _ = self.discriminate(fake)
        _, _, reconstructed_hidden = self.discriminate(reconstructed)
        losses = {
            "perceptual": nn.functional.mse_loss(reconstructed_hidden, real_hidden.detach()),
            "real": log_real(real_logits),
            "fake": log_fake(fake_logits),
        }
        self.discriminator_backward(losses["real"] + losses["fake"])
        gradients = torch.autograd.grad(losses["perceptual"] - log_real(fake_logits), (reconstructed, fake))
        self.discriminator_step()
        return (made[0] * gradients[0]).sum() + (made[1] * gradients[1]).sum(), losses
