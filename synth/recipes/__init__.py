"""Recipes of published sets, replayed from their own metadata: `recipe(name)`."""

from synth.errors import near_matches
from synth.recipes import librimix, sparselibrimix, wsj0mix
from synth.recipes.mixture import Recipe, RecipeError

RECIPES: dict[str, Recipe] = {known.name: known for known in (librimix.RECIPE, sparselibrimix.RECIPE, wsj0mix.RECIPE)}


def recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        RecipeError: there is none; near matches are shown.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise RecipeError(f"no recipe {name!r}{near_matches(name, RECIPES)}") from None
