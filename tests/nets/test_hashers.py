import torch
from torch import nn

from hashbench.method import Backbone
from hashbench.nets.encoders import ImageEncoder
from hashbench.nets.hashers import HashHead, ImageHasher


def test_a_hashers_z_is_its_heads_of_its_encoders_features(generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (4, 3, 16, 16), generator=generator, dtype=torch.uint8)
    encoder = ImageEncoder(Backbone(nn.Flatten(), 768, 16, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)), pretrained=True)
    hasher = ImageHasher(encoder, 7, hidden=6).eval()
    z = hasher(images)
    assert z.shape == (4, 7)
    assert torch.equal(z, hasher.head(hasher.encoder(images)))


def test_a_head_without_a_hidden_layer_is_one_affine_map_of_the_features(generator: torch.Generator) -> None:
    head = HashHead(5, 3)
    features = torch.rand(50, 5, generator=generator) * torch.arange(1.0, 6) + 3
    head.train()(features)
    head.eval()
    whole = head(features)
    assert torch.allclose(head(features[:20] / 2 + features[20:40] / 2), whole[:20] / 2 + whole[20:40] / 2, atol=1e-6)


def test_a_centred_head_does_not_see_mean_and_scale_of_a_batch(generator: torch.Generator) -> None:
    features = torch.rand(50, 5, generator=generator)
    moved = features * torch.tensor([1.0, 2, 5, 10, 20]) + 7
    centred, bare = HashHead(5, 3).train(), HashHead(5, 3, centred=False).train()
    torch.testing.assert_close(centred(moved), centred(features), atol=1e-5, rtol=1e-2)
    assert not torch.allclose(bare(moved), bare(features), atol=1e-3)


def test_a_head_computes_in_float32_inside_an_autocast(generator: torch.Generator) -> None:
    head, features = HashHead(64, 3, 32), torch.randn(40, 64, generator=generator)
    plain = head(features)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(features), plain)
