"""Fashion-MNIST: 70,000 pictures of clothes, 28x28 grey pixels in 10 classes, in torchvision's layout on disk."""

from hashbench.data.idx_files import IdxDataset


class FashionMNIST(IdxDataset):
    """The training images, then the test images; Debian's package dataset-fashion-mnist has the files too."""

    title = "Fashion-MNIST"
    source = "Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017; MIT licence"
    class_names = (
        *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    command_name = "fashion_mnist"
    folder_name = "FashionMNIST"
    url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
    archive_sums = (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    )
    sums = (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    )
