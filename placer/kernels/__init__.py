"""numba kernels: arrays in, arrays out; each has a slow reference in the tests."""
