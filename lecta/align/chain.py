"""The slides a lecture goes through as a chain: states are pages, steps are cues. Pure; the mathematics in one place.

A path z gets the weight  start(z_1) * prod_i evidence(i, z_i) * prod_i move(i, z_i -> z_{i+1}), where staying weighs 1
and moving from page p to q before cue i weighs leave(i) * jump(p, q). Forward-backward (Rabiner 1989, Proc. IEEE 77)
sums over all paths: a linear-chain conditional random field (Lafferty et al. 2001, ICML), whose expected counts are
also the gradient by which it is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """What all paths together say. N cues, P pages."""

    log_total: float
    """Logarithm of the sum of the weights of all paths."""
    posterior: Array
    """(N, P): probability that a cue is over a page; rows sum to 1."""
    stays: Array
    """(N-1,): probability that the page of a cue is still that of the next."""
    jumps: Array
    """(P, P): how many moves from one page to another are expected."""


def sums(evidence: Array, jump: Array, leave: Array) -> Sums:
    """Run forward-backward.

    `evidence` (N, P) holds logarithms, with those of start and end in its first and last row; `jump` (P, P) weights,
    0 on its diagonal; `leave` (N-1,) weights. Scaled at each step, so that long lectures do not underflow.
    """
    count = len(evidence)
    top = evidence.max(axis=1, keepdims=True)
    weight = np.exp(evidence - top)
    forward, scale = np.empty_like(weight), np.empty(count)
    state = weight[0]
    for i in range(count):
        if i:
            state = weight[i] * (forward[i - 1] + leave[i - 1] * (forward[i - 1] @ jump))
        scale[i] = max(state.sum(), 1e-300)
        forward[i] = state / scale[i]
    backward = np.ones_like(weight)
    for i in range(count - 1, 0, -1):
        ahead = weight[i] * backward[i] / scale[i]
        backward[i - 1] = ahead + leave[i - 1] * (jump @ ahead)
    ahead = weight[1:] * backward[1:] / scale[1:, None]
    return Sums(
        log_total=float(np.log(scale).sum() + top.sum()),
        posterior=forward * backward,
        stays=(forward[:-1] * ahead).sum(axis=1),
        jumps=jump * ((forward[:-1] * leave[:, None]).T @ ahead),
    )


def best_path(evidence: Array, jump: Array, leave: Array) -> npt.NDArray[np.int64]:
    """Return the heaviest path (Viterbi), N indices of pages; arguments as for `sums`, ties to the lower index."""
    pages = evidence.shape[1]
    with np.errstate(divide="ignore"):
        log_jump, log_leave = np.log(jump), np.log(leave)
    best, back = evidence[0], []
    own = np.arange(pages)
    for i in range(1, len(evidence)):
        moves = best[:, None] + log_jump + log_leave[i - 1]
        moves[own, own] = best
        back.append(moves.argmax(axis=0))
        best = moves[back[-1], own] + evidence[i]
    path = [int(best.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    return np.array(path[::-1], np.int64)
