"""What stands in a JSON column, as SQL: a text, a number, a truth; NULL when it is another type.

And a column as it is, but not to be sought by.
"""

from typing import Any

from sqlalchemy import Boolean, Float, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class AsText(FunctionElement[str]):
    """The text in a JSON column."""

    type = String()
    inherit_cache = True


class AsNumber(FunctionElement[float]):
    """The number in a JSON column."""

    type = Float()
    inherit_cache = True


class AsTruth(FunctionElement[bool]):
    """True or false in a JSON column."""

    type = Boolean()
    inherit_cache = True


class Unsought(FunctionElement[Any]):
    """A column that SQLite is not to look rows up by.

    Without statistics (nobody runs ANALYZE) it takes those of one channel and bot for a few, where
    they are all there are, and would sort a million of them.
    """

    inherit_cache = True


@compiles(Unsought)
def _unsought(element: Any, compiler: Any, **kw: Any) -> str:
    column: str = compiler.process(element.clauses, **kw)
    return column


@compiles(Unsought, "sqlite")
def _unsought_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(AsText, "sqlite")
def _text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"CASE WHEN json_type({column}) = 'text' THEN json_extract({column}, '$') END"


@compiles(AsText, "postgresql")
def _text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"CASE WHEN jsonb_typeof({column}) = 'string' THEN {column} #>> '{{}}' END"


@compiles(AsNumber, "sqlite")
def _number_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    kind = f"json_type({column}) IN ('integer', 'real')"
    return f"CASE WHEN {kind} THEN json_extract({column}, '$') END"


@compiles(AsNumber, "postgresql")
def _number_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    kind = f"jsonb_typeof({column}) = 'number'"
    return f"CASE WHEN {kind} THEN ({column} #>> '{{}}')::double precision END"


@compiles(AsTruth, "sqlite")
def _truth_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"CASE json_type({column}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"


@compiles(AsTruth, "postgresql")
def _truth_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column = compiler.process(element.clauses, **kw)
    kind = f"jsonb_typeof({column}) = 'boolean'"
    return f"CASE WHEN {kind} THEN ({column} #>> '{{}}')::boolean END"
