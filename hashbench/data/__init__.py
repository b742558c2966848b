"""What data sets are built from: specs, splits, label files, images, protocol cards, downloads."""
