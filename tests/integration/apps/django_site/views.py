import hashlib

from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt


def index(request):
    return HttpResponse("django")


def form(request):
    """Remembers the name in the session; a POST needs the token of the page."""
    if request.method == "POST":
        request.session["name"] = request.POST["name"]
        return redirect("/form")
    return JsonResponse({"name": request.session.get("name"), "token": get_token(request)})


def stream(request):
    return StreamingHttpResponse(f"line {i}\n" for i in range(1000))


@csrf_exempt
def upload(request):
    """Counts and hashes the body without holding it."""
    total, sha = 0, hashlib.sha256()
    while piece := request.read(65536):
        total += len(piece)
        sha.update(piece)
    return HttpResponse(f"{total} {sha.hexdigest()}")


def file(request):
    return FileResponse(open(__file__, "rb"))
