"""The mathematics: documents, layers, plans, training and probes. NumPy and Pydantic only."""
