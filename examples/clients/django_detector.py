"""A Django view that takes a photo, asks the detector for boxes, and one by which a doctor says what was true.

In urls.py: `urlpatterns = [path("detect", detect), path("confirm", confirm)]`. The model is served by
`mlops serve detector --log-predictions`; the server's address is in MLOPS_URL.
"""

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from mlops_client import Client, MlopsError

mlops = Client(model="detector")


@csrf_exempt
@require_POST
def detect(request):
    photo = request.FILES.get("photo")
    if photo is None:
        return JsonResponse({"error": "send a photo as the field 'photo'"}, status=400)
    try:
        answer = mlops.predict({"image": photo.read()})
    except MlopsError as error:
        # A file that is no picture is the user's to mend; that the server is away is not.
        mine = error.code in ("bad_picture", "invalid_input")
        return JsonResponse({"error": str(error) if mine else "try again later"}, status=400 if mine else 503)
    return JsonResponse({"id": answer["prediction_id"], "found": answer["outputs"]["boxes"][0]})


@csrf_exempt
@require_POST
def confirm(request):
    mlops.feedback(request.POST["id"], label=request.POST["label"])
    return JsonResponse({"thanks": True})
