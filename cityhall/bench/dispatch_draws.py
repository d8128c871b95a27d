"""Distributions as their names are written in Julia's Distributions: `Exponential(12/60/24)`, `Weibull(2.5, 34.3)`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

import numpy as np

from cityhall.engines.coverage.covering import Float64

Draw = Callable[[np.random.Generator, int], Float64]
Value = float | list[float]
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def draw(text: str, unit: float) -> Draw:
    """What draws so many values, times `unit`. Raises ValueError for a distribution that is not known."""
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as problem:
        raise ValueError(f"{text!r} is no distribution, such as Exponential(12/60/24)") from problem
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(f"{text!r} is no distribution, such as Exponential(12/60/24)")
    values = [_value(argument) for argument in call.args]
    plain = [value for value in values if isinstance(value, float)]
    match call.func.id, plain:
        case "Exponential", [mean]:
            return lambda rng, count: rng.exponential(mean * unit, count)
        case "Normal", [mean, spread]:
            return lambda rng, count: rng.normal(mean * unit, spread * unit, count)
        case "Weibull", [shape, scale]:
            return lambda rng, count: rng.weibull(shape, count) * scale * unit
        case "Gamma", [shape, scale]:
            return lambda rng, count: rng.gamma(shape, scale * unit, count)
        case "LogNormal", [mean, spread]:
            return lambda rng, count: rng.lognormal(mean, spread, count) * unit
        case "Bernoulli", [chance]:
            return lambda rng, count: np.where(rng.random(count) < chance, unit, 0.0)
        case "Categorical", [] if isinstance(values[0], list):
            edges: Float64 = np.cumsum(np.array(values[0], np.float64))
            return lambda rng, count: unit * np.searchsorted(edges[:-1], rng.random(count) * edges[-1], side="right")
    raise ValueError(f"the distribution {text!r} is not known here")


def _value(node: ast.expr) -> Value:
    """A number, a sum or a quotient of numbers, or a list of such."""
    if isinstance(node, ast.List):
        return [_number(element) for element in node.elts]
    return _number(node)


def _number(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_number(node.left), _number(node.right))
    raise ValueError(f"{ast.unparse(node)!r} is no number")
