# Owns the app's addresses.
# Called by Django.
# Never serves a path of the sidecar.
from django.urls import path
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page
from rest_framework_simplejwt.views import TokenRefreshView

from . import canvas, html, pages, views

urlpatterns = [
    path("api/auth/login/", views.Login.as_view()),
    path("api/auth/refresh/", TokenRefreshView.as_view()),
    path("api/auth/logout/", views.Logout.as_view()),
    path("api/users/me/", views.Me.as_view()),
    path("api/users/admin/users/", views.AdminUsers.as_view()),
    path("api/users/packed/", gzip_page(conditional_page(views.AdminUsers.as_view()))),
    path("api/users/all/", views.AllUsers.as_view()),
    path("api/tasks/", views.Tasks.as_view()),
    path("api/orders/", views.Orders.as_view()),
    path("api/invoices/", views.Invoices.as_view()),
    path("signin/", html.sign_in),
    path("team/", html.team),
    path("board/", html.board),
    path("roster/", html.roster),
    path("roster/people/", html.roster_people),
    path("people/<int:number>/", html.person),
    path("canvas/", canvas.canvas),
    path("canvas/<str:name>", canvas.react),
    path("pages/style.css", html.style),
    path("pages/app.js", html.script),
    path("echo/", pages.echo),
    path("echo/<path:rest>", lambda request, rest: pages.echo(request)),
    path("files/digest/", pages.digest),
    path("files/upload/", pages.upload),
    path("files/download/", pages.download),
    path("files/stream/", pages.stream),
    path("slow/", pages.slow),
    path("page/", pages.page),
    path("nothing/", pages.nothing),
    path("unchanged/", pages.unchanged),
    path("old/", pages.old),
    path("cookies/", pages.cookies),
    path("broken/", pages.broken),
]
