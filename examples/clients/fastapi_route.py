"""A FastAPI route that logs each answer of its model. `uvicorn fastapi_route:app`."""

from fastapi import FastAPI
from pydantic import BaseModel

from mlops_client import Client

app = FastAPI()
mlops = Client(model="category", version="2")  # the server's address is in MLOPS_URL; without it nothing is sent


class Product(BaseModel):
    title: str


class Truth(BaseModel):
    id: str
    category: str


def model(title):
    """Stands for the application's own model."""
    return "shoes" if "boot" in title.lower() else "other"


@app.post("/category")
async def category(product: Product):
    # The call returns at once: it does not hold up the event loop.
    with mlops.predicting(inputs={"title": product.title}) as p:
        p.prediction = model(product.title)
    return {"id": p.id, "category": p.prediction}


@app.post("/truth")
async def truth(truth: Truth):
    mlops.label(truth.id, truth.category)
    return {"thanks": True}
