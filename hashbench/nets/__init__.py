"""Networks, losses and training loops that methods share."""
