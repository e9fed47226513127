# Owns a page that is whatever its address says: `?html=…`, with `&csp=…` as its policy.
# Called through legacy.urls.
# Never part of what people use: a test writes a page of its own with it.
from pathlib import Path

from django.http import HttpResponse

HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Canvas</title>'


def canvas(request):
    response = HttpResponse(HEAD + request.GET.get("html", ""))
    if "csp" in request.GET:
        response["Content-Security-Policy"] = request.GET["csp"]
    return response


def react(request, name):
    """React as Debian has it, for classic scripts."""
    folder = {"react.development.js": "react", "react-dom.development.js": "react-dom"}[name]
    text = Path(f"/usr/share/nodejs/{folder}/umd/{name}").read_text()
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")
