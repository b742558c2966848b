import torch
from torch import Tensor

from hashbench.nets.augmentation import Augmentation

CPU = torch.device("cpu")


def augmentation(n: int, count: int, flip: bool = True, shift: float = 0.1, seed: int = 4) -> Augmentation:
    return Augmentation.drawn(n, count, flip, shift, torch.Generator().manual_seed(seed), CPU)


def augmented_by(*affine_params: list[float]) -> Augmentation:
    """Items 0, 1, ... whose second view is mirrored and shifted so."""
    own = augmentation(len(affine_params), 2)
    own.affine_params[1] = torch.tensor(affine_params)
    return own


def second(own: Augmentation, pictures: Tensor) -> Tensor:
    rows = torch.arange(len(pictures))
    return own(pictures, rows, torch.ones_like(rows))


def test_the_first_view_is_the_image_itself(generator: torch.Generator) -> None:
    pictures = torch.rand(5, 3, 8, 8, generator=generator)
    rows = torch.arange(5)
    assert torch.equal(augmentation(5, 4)(pictures, rows, torch.zeros_like(rows)), pictures)
    assert not torch.equal(second(augmentation(5, 4), pictures), pictures)
    assert augmentation(5, 1)(pictures, rows, rows) is pictures


def test_a_view_may_be_the_mirror_image() -> None:
    pictures = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).view(2, 3, 4, 5)
    changed = second(augmented_by([-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), pictures)
    assert torch.equal(changed[0], pictures[0].flip(-1))
    assert torch.equal(changed[1], pictures[1])


def test_a_shift_takes_pixels_from_beside_and_repeats_the_edge() -> None:
    picture = torch.arange(8.0).view(1, 1, 2, 4)
    assert second(augmented_by([1.0, 0.0, 0.25]), picture)[0, 0].tolist() == [[1, 2, 3, 3], [5, 6, 7, 7]]
    assert second(augmented_by([1.0, 0.5, 0.0]), picture)[0, 0].tolist() == [[4, 5, 6, 7], [4, 5, 6, 7]]


def test_a_view_is_the_same_at_two_sizes(generator: torch.Generator) -> None:
    small = torch.rand(1, 3, 8, 8, generator=generator)
    own = augmented_by([-1.0, 0.25, -0.125])

    def enlarged(pictures: Tensor) -> Tensor:
        return pictures.repeat_interleave(4, 2).repeat_interleave(4, 3)

    assert torch.equal(second(own, enlarged(small)), enlarged(second(own, small)))


def test_each_item_has_its_own_views_and_the_seed_brings_them_back() -> None:
    own = augmentation(500, 3)
    assert set(own.affine_params[1:, :, 0].flatten().tolist()) == {-1.0, 1.0}
    assert 400 < (own.affine_params[1:, :, 0] > 0).sum() < 600
    assert 0.09 < own.affine_params[1:, :, 1:].abs().max() <= 0.1
    assert torch.equal(augmentation(500, 3).affine_params, own.affine_params)
    assert not torch.equal(augmentation(500, 3, seed=5).affine_params, own.affine_params)
    assert (augmentation(500, 3, flip=False).affine_params[..., 0] == 1).all()


def test_batches_see_all_views_alike_often() -> None:
    drawn = augmentation(10, 4).draw(4000)
    assert ((torch.bincount(drawn) - 1000).abs() < 120).all()
