"""MNIST: 70,000 handwritten digits of 28x28 grey pixels, in torchvision's layout on disk."""

from hashbench.data.idx_files import IdxDataset


class MNIST(IdxDataset):
    """The training images, then the test images."""

    title = "MNIST"
    source = "LeCun, Cortes and Burges, The MNIST database of handwritten digits; CC BY-SA 3.0"
    class_names = tuple(str(digit) for digit in range(10))
    command_name = "mnist"
    folder_name = "MNIST"
    url = "https://ossci-datasets.s3.amazonaws.com/mnist"
    archive_sums = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )
    sums = (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    )
