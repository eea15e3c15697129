# SPDX-License-Identifier: Apache-2.0
"""The bodies of the FastAPI service's requests and answers, as the guide has them.

Requests are strict: a number in quotes is no number. Bounds are those of service.py.
"""
from typing import Annotated, List, Optional

from pydantic import BaseModel, ConfigDict, Field
from service import MAX_LENGTH, MAX_TEXT, MAX_TEXTS

Text = Annotated[str, Field(max_length=MAX_TEXT)]


class Limited(BaseModel):
    """What both requests may have: the tokens used of a text, by default the model's limit."""
    model_config = ConfigDict(strict=True)
    max_length: Optional[int] = Field(None, ge=1, le=MAX_LENGTH)


class TextRequest(Limited):
    """Of /predict."""
    text: Text


class PredictionResponse(BaseModel):
    """Of /predict."""
    prediction: int
    confidence: float
    probabilities: List[float]
    processing_time: float


class BatchRequest(Limited):
    """Of /predict_batch."""
    texts: Annotated[List[Text], Field(max_length=MAX_TEXTS)]


class BatchResponse(BaseModel):
    """Of /predict_batch."""
    predictions: List[int]
    confidences: List[float]
    processing_time: float
