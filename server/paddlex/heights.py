"""Heights put into a few groups, as scikit-learn's KMeans(random_state=42, n_init="auto") puts them.

k-means++ (Arthur, Vassilvitskii 2007; some candidates for each centre, the best one taken) and Lloyd's algorithm, after
scikit-learn 1.9's cluster/_kmeans.py, over numbers instead of points. Chance is the Mersenne Twister that NumPy's
RandomState is, so that the groups are the same. Standard library only.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random

_SEED = 42
_MOST_ROUNDS = 300
_TOLERANCE = 1e-4  # of the variance


def ranks(heights: Sequence[int], most: int) -> dict[int, int]:
    """Each height's group, 1 for the tallest; there are `most` groups, or as many as heights differ."""
    different = sorted(set(heights))
    centres = _centres(heights, min(most, len(different))) if different else []
    rank = {place: number for number, place in enumerate(sorted(range(len(centres)), key=lambda i: -centres[i]), 1)}
    return {height: rank[min(range(len(centres)), key=lambda i: abs(height - centres[i]))] for height in different}


def _centres(heights: Sequence[int], groups: int) -> list[float]:
    mean = sum(heights) / len(heights)
    values = [height - mean for height in heights]
    centres = _first_centres(values, groups)
    enough = sum(value * value for value in values) / len(values) * _TOLERANCE
    members: list[int] = []
    for _ in range(_MOST_ROUNDS):
        before, last = members, centres
        members = [_nearest(value, centres) for value in values]
        centres = _means(values, members, centres)
        if members == before or sum((new - old) ** 2 for new, old in zip(centres, last, strict=True)) <= enough:
            break
    return [centre + mean for centre in centres]


def _first_centres(values: Sequence[float], groups: int) -> list[float]:
    chance = _twister(_SEED)
    shares = list(accumulate([1 / len(values)] * len(values)))
    first = values[bisect_right([share / shares[-1] for share in shares], chance.random())]
    centres, distances = [first], _distances(first, values)
    for _ in range(1, groups):
        sums = list(accumulate(distances))
        throws = [chance.random() * sum(distances) for _ in range(2 + int(math.log(groups)))]
        tried = [values[min(bisect_left(sums, throw), len(values) - 1)] for throw in throws]
        left = [list(map(min, distances, _distances(each, values))) for each in tried]
        best = min(range(len(tried)), key=lambda i: sum(left[i]))
        centres.append(tried[best])
        distances = left[best]
    return centres


def _distances(centre: float, values: Sequence[float]) -> list[float]:
    """Squared, worked out as scikit-learn does."""
    return [max(0.0, -2 * (centre * value) + centre * centre + value * value) for value in values]


def _nearest(value: float, centres: Sequence[float]) -> int:
    return min(range(len(centres)), key=lambda i: centres[i] * centres[i] - 2 * (value * centres[i]))


def _means(values: Sequence[float], members: list[int], centres: Sequence[float]) -> list[float]:
    """The middle of each group; one without a member takes over the value that is farthest from its centre."""
    sums, sizes = [0.0] * len(centres), [0] * len(centres)
    for value, member in zip(values, members, strict=True):
        sums[member] += value
        sizes[member] += 1
    empty = [place for place, size in enumerate(sizes) if not size]
    off = [(value - centres[member]) ** 2 for value, member in zip(values, members, strict=True)]
    if empty and any(off):
        for place, far in zip(empty, sorted(range(len(values)), key=lambda i: -off[i]), strict=False):
            sums[members[far]] -= values[far]
            sizes[members[far]] -= 1
            sums[place], sizes[place] = values[far], 1
    return [total * (1 / size) if size else centre for total, size, centre in zip(sums, sizes, centres, strict=True)]


def _twister(seed: int) -> Random:
    """MT19937 seeded by Matsumoto and Nishimura's `init_genrand`; Python's own `seed` uses `init_by_array`."""
    state = [seed]
    for place in range(1, 624):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + place) & 0xFFFFFFFF)
    twister = Random()  # noqa: S311 it has to be the same for everybody
    twister.setstate((3, (*state, 624), None))
    return twister
