"""Kernels: pure geometry on arrays in millimetres."""
