"""Laws that every part keeps. The parts are found in the catalogue: a new one is held to them at once.

The only thing to write for a new part is its twin in PyTorch (`torch_twins.py`).
"""
