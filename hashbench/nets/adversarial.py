"""Generator and discriminator around codes: content and adversarial losses, as the paper and as its code have them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hashbench.nets.decoders import Generator
from hashbench.nets.discriminators import Discriminator
from hashbench.nets.losses import log_fake, log_real, map_loss
from hashbench.nets.precision import autocast
from hashbench.nets.signs import sign_through

SMALL_PICTURE, LARGE_PICTURE = 32, 64  # sides in pixels; the larger is that of BGAN's authors, with their widths


def build_generator(bits: int, picture: int) -> Generator:
    """The authors' generator for 64 px, a narrower one for 32 px."""
    return Generator(bits, picture, 256, (256, 128, 32)) if picture == LARGE_PICTURE else Generator(bits, picture)


def build_discriminator(picture: int) -> Discriminator:
    """The authors' discriminator for 64 px, a narrower one for 32 px."""
    if picture == LARGE_PICTURE:
        return Discriminator(picture, (32, 128, 256, 256), first_stride=1, hidden=1024)
    return Discriminator(picture)


@dataclass(frozen=True)
class Stakes:
    """Weights of the losses of :class:`PaperGame`, in the paper's form (lambda1 twice, lambda2)."""

    pixel: float
    perceptual: float
    adversarial: float

    @property
    def restores(self) -> bool:
        """Whether pictures are made at all."""
        return self.pixel + self.perceptual + self.adversarial > 0

    @property
    def judges(self) -> bool:
        """Whether a discriminator is needed: for l_A, or for the phi of l_Per."""
        return self.perceptual + self.adversarial > 0


class Game(nn.Module, ABC):
    """A generator and a discriminator with the latter's optimiser.

    :meth:`play` takes the discriminator's step itself and answers with what encoder and generator minimise, so that
    both share every forward pass.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator | None, dtype: torch.dtype) -> None:
        super().__init__()
        self.generator, self.discriminator, self.dtype = generator, discriminator, dtype
        self.optimiser: torch.optim.Optimizer | None = None

    @abstractmethod
    def play(self, codes: Tensor, features: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """One move on a batch.

        Args:
            codes: app(beta z), float [B, bits], with its gradient.
            features: the encoder's, float [B, d], with their gradient.
            real: pictures, float [B, 3, h, w] in [0, 1].

        Returns:
            A scalar whose gradients in codes, features and the generator are those of their objective (its value
            means nothing), and the losses by name, for reports.
        """

    def made_by(self) -> list[nn.Parameter]:
        """The parameters that minimise what :meth:`play` answers with: all but the discriminator's."""
        judges = set(self.discriminator.parameters()) if self.discriminator else set()
        return [parameter for parameter in self.parameters() if parameter not in judges]

    def restore(self, binary: Tensor) -> Tensor:
        """Pictures, float32 [n, 3, h, w] in [0, 1], of codes of -1 and +1."""
        with autocast(self.dtype, binary.device):
            pictures: Tensor = self.generator(binary)
        return pictures.float()

    def judge(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The discriminator's logits, last convolution and hidden layer, each in float32."""
        assert self.discriminator is not None
        with autocast(self.dtype, pictures.device):
            logits, phi, hidden = self.discriminator(pictures)
        return logits.float(), phi.float(), hidden.float()

    def teach(self, game: Tensor) -> None:
        """Gradients of the discriminator alone, which maximises ``game``; the step itself is :meth:`learn`."""
        assert self.discriminator is not None
        assert self.optimiser is not None
        self.optimiser.zero_grad()
        torch.autograd.backward(-game, inputs=list(self.discriminator.parameters()), retain_graph=True)

    def learn(self) -> None:
        """The discriminator's step, once nobody needs its old weights any more."""
        if self.optimiser is not None:
            self.optimiser.step()


class PaperGame(Game):
    """lambda1 (l_MSE + l_Per) + lambda2 l_A, times 2/B, with the code's reconstruction as the only fake.

    A loss summed over the batch beside l_N = 1/2 sum_ij, the whole divided by B^2 / 2, is (2/B) times its mean.

    Args:
        generator, discriminator: the nets; no discriminator where nothing judges.
        stakes: the losses' weights.
        dtype: what the nets compute in.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator | None, stakes: Stakes, dtype: torch.dtype
    ) -> None:
        super().__init__(generator, discriminator, dtype)
        self.stakes = stakes

    def play(self, codes: Tensor, features: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ARG002
        """See :meth:`Game.play`. The generator reads sgn(z); its gradient goes on through app(beta z)."""
        restored = self.restore(sign_through(codes))
        pull, losses = self.pull(restored.detach().requires_grad_(), real)
        return (restored * pull).sum(), losses

    def pull(self, fake: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Gradient in ``fake`` of (2/B) mean_i (content and adversarial loss), and a step of the discriminator."""
        losses = {"pixel": map_loss(fake, real)}
        loss = self.stakes.pixel * losses["pixel"]
        if self.discriminator is not None:
            real_logits, real_phi, _ = self.judge(real)
            fake_logits, fake_phi, _ = self.judge(fake)
            losses["perceptual"] = map_loss(fake_phi, real_phi.detach())
            losses["real"], losses["fake"] = log_real(real_logits), log_fake(fake_logits)
            loss = loss + self.stakes.perceptual * losses["perceptual"] + self.stakes.adversarial * losses["fake"]
            self.teach(losses["real"] + losses["fake"])
        (pull,) = torch.autograd.grad(loss * (2 / len(real)), fake)
        self.learn()
        return pull, losses


class ReleasedGame(Game):
    """The objective of the authors' code: noise in the code, fakes from noise, phi the hidden layer, no pixels.

    Encoder and generator minimise mean (phi(I) - phi(G(b + sigma e)))^2, the generator also -log D(G(e')), where e
    and e' are standard normal and sigma is learnt from the features; the discriminator sees I and G(e').

    Args:
        generator, discriminator: the nets.
        dimension, bits: of features and codes.
        dtype: what the nets compute in.
    """

    def __init__(
        self, generator: Generator, discriminator: Discriminator, dimension: int, bits: int, dtype: torch.dtype
    ) -> None:
        super().__init__(generator, discriminator, dtype)
        self.log_sigma = nn.Linear(dimension, bits)

    def play(self, codes: Tensor, features: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """See :meth:`Game.play`."""
        sigma = self.log_sigma(features.float()).exp()
        made = self.restore(codes + sigma * torch.randn_like(codes)), self.restore(torch.randn_like(codes))
        restored, fake = (picture.detach().requires_grad_() for picture in made)
        real_logits, _, real_hidden = self.judge(real)
        fake_logits, _, _ = self.judge(fake)
        _, _, restored_hidden = self.judge(restored)
        losses = {
            "perceptual": nn.functional.mse_loss(restored_hidden, real_hidden.detach()),
            "real": log_real(real_logits),
            "fake": log_fake(fake_logits),
        }
        self.teach(losses["real"] + losses["fake"])
        pulls = torch.autograd.grad(losses["perceptual"] - log_real(fake_logits), (restored, fake))
        self.learn()
        return (made[0] * pulls[0]).sum() + (made[1] * pulls[1]).sum(), losses
