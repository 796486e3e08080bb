"""Recipes, one a file. The folder is the registry: a new class is a new choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue import choice, scan
from engine.recipe import Recipe

scan(__name__, __path__)

if TYPE_CHECKING:
    AnyRecipe = Recipe
else:
    AnyRecipe = choice("recipe")

__all__ = ["AnyRecipe", "Recipe"]
