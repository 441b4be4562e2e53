"""The rule checks behind :func:`placer.verify`: one module a rule or family, plain numpy and Python on the model."""
