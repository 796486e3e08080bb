"""What the interactive documentation of the API starts from; every one of them runs as it is."""

from typing import Any

SPIRAL: dict[str, Any] = {
    "format": 1,
    "name": "Spiral",
    "seed": 7,
    "data": {"kind": "spiral", "samples": 500, "noise": 0.1},
    "recipe": "supervised",
    "networks": {
        "model": [
            {"id": "h1", "kind": "dense", "units": 8, "activation": "tanh"},
            {"id": "h2", "kind": "dense", "units": 8, "activation": "tanh"},
            {"id": "out", "kind": "dense", "units": 2},
        ]
    },
    "loss": "cross_entropy",
    "optimizer": {"kind": "adam", "rate": 0.03},
    "training": {"batch": 32, "epochs": 200},
}

PREDICTION: dict[str, Any] = {"inputs": [[1.5, -2.0], [0.0, 3.0]]}
