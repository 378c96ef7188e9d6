"""Several numbers at a time for Numba: what its compiler does not find in scalar code by itself.

Functions here take arrays and places counted from 0 and look at nothing: no bounds, no negative
places. They are building blocks for other compiled functions, which have to be right.
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

_DOUBLES = ir.VectorType(ir.DoubleType(), 4)
_INDEX = ir.IntType(32)


def _pointer(context, builder, signature, arguments, number):  # type: ignore[no-untyped-def]
    """Address of the first element of an array argument."""
    array = context.make_array(signature.args[number])(context, builder, arguments[number])
    return array.data


def _vector_at(builder, pointer, place, kind):  # type: ignore[no-untyped-def]
    """Address of a vector that starts at an element."""
    return builder.bitcast(builder.gep(pointer, [place]), ir.PointerType(kind))


def _load(builder, pointer, place, kind, align):  # type: ignore[no-untyped-def]
    value = builder.load(_vector_at(builder, pointer, place, kind))
    value.align = align
    return value


@intrinsic
def bits_of(_typing, _value):  # type: ignore[no-untyped-def]
    """The bits of a double as an unsigned integer."""

    def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), build


@intrinsic
def double_of(_typing, _bits):  # type: ignore[no-untyped-def]
    """The double that has these bits."""

    def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), build


def _at(kind, element):  # type: ignore[no-untyped-def]
    @intrinsic
    def number_at(_typing, _address, _place):  # type: ignore[no-untyped-def]
        def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            pointer = builder.inttoptr(arguments[0], ir.PointerType(element))
            return builder.load(builder.gep(pointer, [arguments[1]]))

        return kind(types.int64, types.int64), build

    return number_at


double_at, integer_at = _at(types.float64, ir.DoubleType()), _at(types.int64, ir.IntType(64))
"""The number at a place of a contiguous array (float64, int64) that is given by its address."""


@intrinsic
def eight_sums(_typing, weight, _cell, column, _entry, _lines, values, out, _to):  # type: ignore[no-untyped-def]
    """Eight weighted sums of float64, side by side.

    Over ``_lines`` lines of eight cells, lane by lane, ``weight`` (from ``_cell`` on) times the
    ``values`` that ``column`` (uint16, from ``_entry`` on) points to; written to ``out`` from
    ``_to`` on.
    """

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        weights, columns, numbers, sums = (
            _pointer(context, builder, signature, arguments, n) for n in (0, 2, 5, 6)
        )
        eight = ir.Constant(ir.IntType(64), 8)
        zero = ir.Constant(_DOUBLES, [0.0] * 4)
        totals = [cgutils.alloca_once_value(builder, zero) for _ in range(2)]
        with cgutils.for_range(builder, arguments[4]) as loop:
            step = builder.mul(loop.index, eight)
            for half, total in enumerate(totals):
                offset = ir.Constant(ir.IntType(64), 4 * half)
                first = builder.add(step, offset)
                factor = _load(builder, weights, builder.add(arguments[1], first), _DOUBLES, 8)
                gathered = ir.Constant(_DOUBLES, ir.Undefined)
                for lane in range(4):
                    place = builder.add(first, ir.Constant(ir.IntType(64), lane))
                    where = builder.load(builder.gep(columns, [builder.add(arguments[3], place)]))
                    index = builder.zext(where, ir.IntType(64))
                    number = builder.load(builder.gep(numbers, [index]))
                    gathered = builder.insert_element(gathered, number, _INDEX(lane))
                product = builder.fmul(factor, gathered, flags=["contract"])
                added = builder.fadd(builder.load(total), product, flags=["contract"])
                builder.store(added, total)
        for half, total in enumerate(totals):
            place = builder.add(arguments[7], ir.Constant(ir.IntType(64), 4 * half))
            target = _vector_at(builder, sums, place, _DOUBLES)
            builder.store(builder.load(total), target).align = 8
        return context.get_dummy_value()

    signature = types.void(
        weight, types.int64, column, types.int64, types.int64, values, out, types.int64
    )
    return signature, build


class _Eight(types.Type):
    """Eight doubles in one value: a register, or two where the processor's are shorter."""

    def __init__(self) -> None:
        super().__init__(name="eight_doubles")


_EIGHT_TYPE = _Eight()
_EIGHT = ir.VectorType(ir.DoubleType(), 8)


@register_model(_Eight)
class _EightModel(models.PrimitiveModel):
    def __init__(self, manager, kind):  # type: ignore[no-untyped-def]
        super().__init__(manager, kind, _EIGHT)


@intrinsic
def load(_typing, values, _place):  # type: ignore[no-untyped-def]
    """Eight doubles of an array, from a place on."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, signature, arguments, 0)
        return _load(builder, pointer, arguments[1], _EIGHT, 8)

    return _EIGHT_TYPE(values, types.int64), build


@intrinsic
def store(_typing, values, _place, _eight):  # type: ignore[no-untyped-def]
    """Write eight doubles into an array, from a place on."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, signature, arguments, 0)
        target = _vector_at(builder, pointer, arguments[1], _EIGHT)
        builder.store(arguments[2], target).align = 8
        return context.get_dummy_value()

    return types.void(values, types.int64, _EIGHT_TYPE), build


@intrinsic
def spread(_typing, _value):  # type: ignore[no-untyped-def]
    """The same double eight times."""

    def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        nothing = ir.Constant(_EIGHT, ir.Undefined)
        one = builder.insert_element(nothing, arguments[0], _INDEX(0))
        order = ir.Constant(ir.VectorType(_INDEX, 8), [0] * 8)
        return builder.shuffle_vector(one, nothing, order)

    return _EIGHT_TYPE(types.float64), build


def _operation(name: str, flags: list[str]):  # type: ignore[no-untyped-def]
    @intrinsic
    def operation(_typing, _x, _y):  # type: ignore[no-untyped-def]
        def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            return getattr(builder, name)(*arguments, flags=flags)

        return _EIGHT_TYPE(_EIGHT_TYPE, _EIGHT_TYPE), build

    return operation


_add, _subtract, _multiply = (_operation(name, ["contract"]) for name in ("fadd", "fsub", "fmul"))


def _chosen(sign: str):  # type: ignore[no-untyped-def]
    @intrinsic
    def choice(_typing, _x, _y):  # type: ignore[no-untyped-def]
        def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
            x, y = arguments
            return builder.select(builder.fcmp_ordered(sign, x, y), x, y)

        return _EIGHT_TYPE(_EIGHT_TYPE, _EIGHT_TYPE), build

    return choice


larger, smaller = _chosen(">"), _chosen("<")
"""The larger (smaller) of each pair; the second where one is NaN."""


@intrinsic
def magnitude(_typing, _x):  # type: ignore[no-untyped-def]
    """Absolute values."""

    def build(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        bits = ir.VectorType(ir.IntType(64), 8)
        mask = ir.Constant(bits, [0x7FFFFFFFFFFFFFFF] * 8)
        return builder.bitcast(builder.and_(builder.bitcast(arguments[0], bits), mask), _EIGHT)

    return _EIGHT_TYPE(_EIGHT_TYPE), build


def _overload(operator, operation):  # type: ignore[no-untyped-def]
    @overload(operator)
    def both(x, y):  # type: ignore[no-untyped-def]
        if x is _EIGHT_TYPE and y is _EIGHT_TYPE:
            return lambda x, y: operation(x, y)
        return None


_overload(operator.add, _add)
_overload(operator.sub, _subtract)
_overload(operator.mul, _multiply)
