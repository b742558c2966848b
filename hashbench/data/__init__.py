"""Building blocks of data sets: specs, splits, label files, images, protocol cards, downloads."""
