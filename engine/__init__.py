"""The Glassnet engine: networks that can be compiled, trained and looked into, in NumPy alone."""
