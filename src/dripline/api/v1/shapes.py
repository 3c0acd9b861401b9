"""What requests and answers are made of."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

EXAMPLE_ID = "0199c3a4-7a10-7c52-9f0e-3f6d0f6f7a01"
EXAMPLE_TIME = "2026-03-02T12:00:00Z"


class Given(BaseModel):
    """What a caller gives: a field we do not know is refused, for it would be ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Told(BaseModel):
    """What we answer."""

    model_config = ConfigDict(from_attributes=True)


Id = Annotated[uuid.UUID, Field(examples=[EXAMPLE_ID])]
Moment = Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Free = dict[str, Any]


class Error(BaseModel):
    """What went wrong: a code for programs, a sentence for people."""

    code: str = Field(examples=["SCENARIO_NOT_FOUND"])
    message: str = Field(examples=["There is no scenario course."])
    details: dict[str, Any] = Field(default_factory=dict, examples=[{}])


class Problem(BaseModel):
    """The one shape of errors."""

    error: Error


ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": Problem, "description": "What went wrong; see Errors."}
}
