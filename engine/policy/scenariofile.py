"""YAML text of a scenario, read with file and line at hand, and written with codes quoted.

PyYAML follows YAML 1.1, in which ``NO`` is false, ``010121`` is 4177 and a key given twice
silently counts once. All three are errors here.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tradewedge.errors import ConfigError
from tradewedge.policy.checks import not_a_code


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Quoted(str):
    """Text that is written in double quotes."""


class _Dumper(yaml.SafeDumper):
    """A safe dumper that quotes :class:`_Quoted` text."""


_Dumper.add_representer(
    _Quoted, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def read(source: str | Path, code_keys: Sequence[str]) -> tuple[Any, str]:
    """Parse a file, or YAML text.

    Parameters
    ----------
    source : str or Path
        A ``str`` with a line break is YAML text; anything else is a file.
    code_keys : sequence of str
        Keys whose values are codes, wherever they stand: these must be text.

    Returns
    -------
    data
        Plain Python data.
    name : str
        Name of the source, for messages.

    Raises
    ------
    ConfigError
        If the file cannot be read, does not parse, repeats a key, or holds a code that YAML
        reads as something other than text.
    """
    if isinstance(source, str) and "\n" in source:
        text, name = source, "YAML text"
    else:
        name = str(source)
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError(f"cannot read scenario file {name}: {reason}") from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ConfigError(f"{name} is empty; a scenario needs name and measures")
        _check_codes(node, loader, frozenset(code_keys), name)
        return loader.construct_document(node), name
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{name}{line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-02-30
        raise ConfigError(f"{name} is not YAML: {error}") from error
    finally:
        loader.dispose()


def dump(data: dict[str, Any]) -> str:
    """YAML text of plain data: keys in order, all text but ``kind`` in double quotes."""
    return yaml.dump(
        _quoted(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )


def _check_codes(node: yaml.Node, loader: _Loader, keys: frozenset[str], name: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_codes(item, loader, keys, name)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in keys:
                _check_code_value(key.value, value, loader, name)
            else:
                _check_codes(value, loader, keys, name)


def _check_code_value(key: str, node: yaml.Node, loader: _Loader, name: str) -> None:
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for item in items:
        value = loader.construct_object(item, deep=True)
        if not isinstance(value, str):
            where = f"{name}, line {item.start_mark.line + 1}: {key}"
            written = item.value if isinstance(item, yaml.ScalarNode) and item.value else None
            raise ConfigError(not_a_code(value, where, written))


def _quoted(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _quoted(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if isinstance(value, str) and key != "kind":
        return _Quoted(value)
    return value
