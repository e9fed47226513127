# Owns the app's plain pages and files: everything that is more HTTP than business.
# Called through legacy.urls.
# Never asks who is asking.
import hashlib
import time

from django.http import (
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.csrf import csrf_exempt

PATTERN = bytes(range(256)) * 256  # 64 KiB, no two neighbours alike


def whole_body(request):
    """The body as the server frames it: Django itself stops at Content-Length, which a chunked
    request has not."""
    stream = request.environ["wsgi.input"]
    while True:
        piece = stream.read(65536)
        if not piece:
            return
        yield piece


@csrf_exempt
def echo(request):
    """The request as the app sees it."""
    environ = request.environ
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.replace("_", "-").lower()] = environ[key]
    body = b"".join(whole_body(request))
    return JsonResponse(
        {
            "method": request.method,
            "path": environ.get("RAW_URI", request.get_full_path()),
            "headers": headers,
            "body": body.decode("latin-1"),
        }
    )


@csrf_exempt
def digest(request):
    """Size and SHA-256 of whatever is sent."""
    sha, size = hashlib.sha256(), 0
    for piece in whole_body(request):
        sha.update(piece)
        size += len(piece)
    return JsonResponse({"size": size, "sha256": sha.hexdigest()})


@csrf_exempt
def upload(request):
    """A form with a file, as a browser sends it."""
    file = request.FILES["file"]
    sha = hashlib.sha256()
    for piece in file.chunks():
        sha.update(piece)
    return JsonResponse(
        {
            "name": file.name,
            "size": file.size,
            "sha256": sha.hexdigest(),
            "note": request.POST.get("note"),
        }
    )


def pieces(size):
    while size > 0:
        yield PATTERN[: min(size, len(PATTERN))]
        size -= len(PATTERN)


def download(request):
    """`?size=N` bytes with a Content-Length."""
    size = int(request.GET.get("size", 1024))
    response = StreamingHttpResponse(pieces(size), content_type="application/octet-stream")
    response["Content-Length"] = str(size)
    response["Content-Disposition"] = 'attachment; filename="report.bin"'
    return response


def stream(request):
    """`?size=N` bytes of unannounced length: chunked to a client that can."""
    return StreamingHttpResponse(
        pieces(int(request.GET.get("size", 1024))), content_type="text/plain"
    )


def slow(request):
    time.sleep(float(request.GET.get("seconds", "0.5")))
    return JsonResponse({"slept": True})


def page(request):
    return HttpResponse("<!doctype html><title>Orders</title><h1>Orders, naïvely</h1>\n")


def nothing(request):
    return HttpResponse(status=204)


def unchanged(request):
    response = HttpResponseNotModified()
    response["ETag"] = '"v7"'
    return response


def old(request):
    return HttpResponseRedirect("/page/?from=old")


def cookies(request):
    response = JsonResponse(dict(request.COOKIES))
    response.set_cookie("first", "1", path="/", httponly=True)
    response.set_cookie("second", "two words", samesite="Lax")
    return response


def broken(request):
    return JsonResponse({"detail": "The stock is on fire."}, status=500)
