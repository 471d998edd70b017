from django.urls import path

from django_site import views

urlpatterns = [
    path("", views.index),
    path("form", views.form),
    path("stream", views.stream),
    path("upload", views.upload),
    path("file", views.file),
]
