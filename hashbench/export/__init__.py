"""Encoders and codes for programs that have no hashbench: numpy, ONNX, vector databases."""
