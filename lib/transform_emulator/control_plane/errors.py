"""The errors that API callers see."""

from dataclasses import dataclass


@dataclass
class ApiError(Exception):
    """An error of the SageMaker API: its code, its words, its HTTP status."""

    code: str
    message: str
    status: int = 400

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def validation(message: str) -> ApiError:
    """Returns a ValidationException, the API's word for most refusals."""
    return ApiError("ValidationException", message)
