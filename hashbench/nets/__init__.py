"""What methods with networks share: encoders, decoders, signs, losses, neighbours and the training loop."""
