import torch
from torch import Tensor

from hashbench.nets.augmentation import Views

CPU = torch.device("cpu")


def views(n: int, count: int, flip: bool = True, shift: float = 0.1, seed: int = 4) -> Views:
    return Views(n, count, flip, shift, torch.Generator().manual_seed(seed), CPU)


def planned(*plan: list[float]) -> Views:
    """Items 0, 1, ... whose second version is mirrored and shifted so."""
    made = views(len(plan), 2)
    made.plans[1] = torch.tensor(plan)
    return made


def second(own: Views, pictures: Tensor) -> Tensor:
    rows = torch.arange(len(pictures))
    return own(pictures, rows, torch.ones_like(rows))


def test_the_first_version_is_the_image_itself(generator: torch.Generator) -> None:
    pictures = torch.rand(5, 3, 8, 8, generator=generator)
    rows = torch.arange(5)
    assert torch.equal(views(5, 4)(pictures, rows, torch.zeros_like(rows)), pictures)
    assert not torch.equal(second(views(5, 4), pictures), pictures)
    assert views(5, 1)(pictures, rows, rows) is pictures


def test_a_version_may_be_the_mirror_image() -> None:
    pictures = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).view(2, 3, 4, 5)
    changed = second(planned([-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), pictures)
    assert torch.equal(changed[0], pictures[0].flip(-1))
    assert torch.equal(changed[1], pictures[1])


def test_a_shift_takes_pixels_from_beside_and_repeats_the_edge() -> None:
    picture = torch.arange(8.0).view(1, 1, 2, 4)
    assert second(planned([1.0, 0.0, 0.25]), picture)[0, 0].tolist() == [[1, 2, 3, 3], [5, 6, 7, 7]]
    assert second(planned([1.0, 0.5, 0.0]), picture)[0, 0].tolist() == [[4, 5, 6, 7], [4, 5, 6, 7]]


def test_a_version_is_the_same_at_two_sizes(generator: torch.Generator) -> None:
    small = torch.rand(1, 3, 8, 8, generator=generator)
    own = planned([-1.0, 0.25, -0.125])

    def enlarged(pictures: Tensor) -> Tensor:
        return pictures.repeat_interleave(4, 2).repeat_interleave(4, 3)

    assert torch.equal(second(own, enlarged(small)), enlarged(second(own, small)))


def test_each_item_has_its_own_versions_and_the_seed_brings_them_back() -> None:
    own = views(500, 3)
    assert set(own.plans[1:, :, 0].flatten().tolist()) == {-1.0, 1.0}
    assert 400 < (own.plans[1:, :, 0] > 0).sum() < 600
    assert 0.09 < own.plans[1:, :, 1:].abs().max() <= 0.1
    assert torch.equal(views(500, 3).plans, own.plans)
    assert not torch.equal(views(500, 3, seed=5).plans, own.plans)
    assert (views(500, 3, flip=False).plans[..., 0] == 1).all()


def test_batches_see_all_versions_alike_often() -> None:
    drawn = views(10, 4).draw(4000)
    assert ((torch.bincount(drawn) - 1000).abs() < 120).all()
