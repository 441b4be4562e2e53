"""The waist: from the model's tables to arrays and scalars, once, then by increments."""
