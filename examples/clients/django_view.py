"""A Django view that logs each answer of its model, and one by which a doctor says what was true.

In urls.py: `urlpatterns = [path("classify", classify), path("confirm", confirm)]`.
"""

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mlops_client import Client

mlops = Client(model="skin", version="3")  # the server's address is in MLOPS_URL; without it nothing is sent


def model(age, diameter):
    """Stands for the application's own model."""
    melanoma = min(1.0, max(0.0, diameter / 20 + age / 400))
    return {"melanoma": melanoma, "naevus": 1 - melanoma}


@csrf_exempt
@require_POST
def classify(request):
    inputs = {"age": float(request.POST["age"]), "diameter": float(request.POST["diameter"])}
    with mlops.predicting(inputs=inputs) as p:
        p.scores = model(**inputs)
        p.prediction = max(p.scores, key=p.scores.get)
    return JsonResponse({"id": p.id, "label": p.prediction, "score": p.scores[p.prediction]})


@csrf_exempt
@require_POST
def confirm(request):
    mlops.label(request.POST["id"], request.POST["label"])
    return JsonResponse({"thanks": True})
