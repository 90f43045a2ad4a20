"""Two portraits in the public domain (lomit_tf/samples has their credits), and colours to try on them."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "samples"
PORTRAITS = {"Eileen Collins": FOLDER / "astronaut.png", "Grace Hopper": FOLDER / "grace_hopper.jpg"}
CREDIT = "Eileen Collins (NASA) and Grace Hopper (U.S. Navy), public domain"

# Six colours that hair has, and two that it has not.
SWATCHES = {
    "black": "#0c0a09",
    "dark brown": "#3b2314",
    "brown": "#6a4a2c",
    "auburn": "#8a3b12",
    "blond": "#c9a063",
    "grey": "#b8b6b3",
    "blue": "#2b6fd6",
    "pink": "#d63a8c",
}

LIPSTICKS = {"red": "#b3122d", "rose": "#c9586c"}

# Groups that a portrait has nothing of: what masks take for hair is Grace Hopper's cap, and nobody has a beard.
WITHOUT = {"Eileen Collins": ("facial_hair",), "Grace Hopper": ("facial_hair", "hair")}
